package hec

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// reply is a row of Splunk's table of answers ("Troubleshoot HTTP Event
// Collector", possible error codes).
type reply struct {
	status int
	text   string
}

var replies = map[int]reply{
	0:  {200, "Success"},
	1:  {403, "Token disabled"},
	2:  {401, "Token is required"},
	3:  {401, "Invalid authorization"},
	4:  {403, "Invalid token"},
	5:  {400, "No data"},
	6:  {400, "Invalid data format"},
	7:  {400, "Incorrect index"},
	8:  {500, "Internal server error"},
	9:  {503, "Server is busy"},
	10: {400, "Data channel is missing"},
	11: {400, "Invalid data channel"},
	12: {400, "Event field is required"},
	13: {400, "Event field cannot be blank"},
	14: {400, "ACK is disabled"},
	15: {400, "Error in handling indexed fields"},
	16: {400, "Query string authorization is not enabled"},
	17: {200, "HEC is healthy"},
	18: {503, "HEC is unhealthy, queues are full"},
	19: {503, "HEC is unhealthy, ack service unavailable"},
	20: {503, "HEC is unhealthy, queues are full, ack service unavailable"},
	21: {400, "Invalid token"},
	22: {400, "Token disabled"},
	23: {503, "Server is shutting down"},
	24: {200, "Success, HEC queue is approaching capacity"},
	26: {429, "HEC queue is at capacity and cannot process any more requests"},
}

// answer is the body of every reply; the key order is Splunk's.
type answer struct {
	Text               string `json:"text"`
	Code               int    `json:"code"`
	InvalidEventNumber *int   `json:"invalid-event-number,omitempty"`
	AckID              *int64 `json:"ackId,omitempty"`
}

func writeCode(w http.ResponseWriter, code int) {
	writeAnswer(w, answer{Code: code})
}

func writeAnswer(w http.ResponseWriter, a answer) {
	r, known := replies[a.Code]
	if !known {
		r = reply{http.StatusBadRequest, "Error " + strconv.Itoa(a.Code)}
	}
	a.Text = r.text
	writeJSON(w, r.status, a)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("hec emulator: %v", err)) // only our own plain structs come here
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeHTML answers as Splunk's HTTP server does where HEC itself was not
// reached: 405 and 413 are pages, not codes.
func writeHTML(w http.ResponseWriter, status int) {
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>\r\n", text, text)
}

// writeFault answers an injected status with the body Splunk gives it.
func writeFault(w http.ResponseWriter, _ *http.Request, status int) {
	codes := map[int]int{401: 3, 403: 4, 429: 26, 500: 8, 503: 9}
	writeCode(w, codes[status])
}
