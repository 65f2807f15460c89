package sls

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is what the service answers instead of 200.
type apiError struct {
	status  int
	Code    string `json:"errorCode"`
	Message string `json:"errorMessage"`
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func errf(status int, code, format string, args ...any) error {
	return &apiError{status, code, fmt.Sprintf(format, args...)}
}

func writeError(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{500, "InternalServerError", err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(e)
}

// misspelt turns a code into the form that SDKs know from the service.
func misspelt(err error) error {
	var e *apiError
	if !errors.As(err, &e) {
		return err
	}
	m := *e
	m.Code = strings.Replace(m.Code, "NotExist", "NotExsit", 1)
	return &m
}

// answerFault gives injected errors the service's own form.
func answerFault(w http.ResponseWriter, r *http.Request, status int) {
	e := &apiError{status: status, Code: "InternalServerError", Message: "Internal server error"}
	switch status {
	case 401:
		e.Code, e.Message = "Unauthorized", "The AccessKeyId is unknown"
	case 403:
		e.Code, e.Message = "ReadQuotaExceed", "Project read quota exceed: qps"
		if r.Method != http.MethodGet {
			e.Code, e.Message = "WriteQuotaExceed", "Project write quota exceed: qps"
		}
	case 429:
		e.Code, e.Message = "ReadQuotaExceed", "too many requests"
	case 503:
		e.Code, e.Message = "ServerBusy", "The server is busy, please try again later"
	}
	writeError(w, e)
}
