package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	wire "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// trailtagsRival is the loop that scripts for this have: for each event it assumes
// the account's role, asks the Tag service and the product for tags, and writes one
// log. Reading and decoding are the vendor's SDK's and encoding/json's.
func trailtagsRival(context.Context) error {
	events, err := strconv.Atoi(os.Getenv("BENCH_EVENTS"))
	if err != nil {
		return err
	}
	c := &sdk.Client{Endpoint: sdkEndpoint, AccessKeyID: os.Getenv("SLS_AK_ID"), AccessKeySecret: os.Getenv("SLS_AK_KEY")}
	c.SetHTTPClient(sdkHTTP())
	done := 0
	for shard := range 4 {
		n, err := rivalShard(c, shard)
		if err != nil {
			return err
		}
		done += n
	}
	if done != events {
		return fmt.Errorf("%d of %d events", done, events)
	}
	return nil
}

func rivalShard(c *sdk.Client, shard int) (done int, err error) {
	project, logstore := os.Getenv("SLS_PROJECT"), os.Getenv("SLS_LOGSTORE")
	cursor, err1 := c.GetCursor(project, logstore, shard, "begin")
	end, err2 := c.GetCursor(project, logstore, shard, "end")
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	for cursor != end {
		list, next, err := c.PullLogsV2(&sdk.PullLogRequest{Project: project, Logstore: logstore, ShardID: shard, Cursor: cursor, LogGroupMaxCount: 100, CompressType: sdk.Compress_LZ4})
		if err != nil {
			return done, err
		}
		for _, g := range list.LogGroups {
			for _, l := range g.Logs {
				if err := rivalEvent(c, l); err != nil {
					return done, err
				}
				done++
			}
		}
		cursor = next
	}
	return done, nil
}

func rivalEvent(c *sdk.Client, l *sdk.Log) error {
	var event map[string]any
	if err := json.Unmarshal([]byte(l.Contents[0].GetValue()), &event); err != nil {
		return err
	}
	account, id, region := fmt.Sprint(event["recipientAccountId"]), fmt.Sprint(event["resourceName"]), fmt.Sprint(event["acsRegion"])
	var session struct {
		Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }
	}
	err := rivalCall("STS_ENDPOINT", "2015-04-01", "AssumeRole", map[string]string{"RoleArn": "acs:ram::" + account + ":role/ResourceDirectoryAccountAccessRole", "RoleSessionName": "loop"}, [3]string{"ak", "secret", ""}, &session)
	if err != nil {
		return err
	}
	key := [3]string{session.Credentials.AccessKeyID, session.Credentials.AccessKeySecret, session.Credentials.SecurityToken}
	var byARN struct {
		TagResources []struct{ Tags []struct{ Key, Value string } }
	}
	if err := rivalCall("TAG_ENDPOINT", "2018-08-28", "ListTagResources", map[string]string{"RegionId": region, "ResourceARN.1": "arn:acs:ecs:" + region + ":" + account + ":instance/" + id}, key, &byARN); err != nil {
		return err
	}
	var byID struct {
		TagResources struct {
			TagResource []struct{ TagKey, TagValue string }
		}
	}
	if err := rivalCall("ECS_ENDPOINT", "2014-05-26", "ListTagResources", map[string]string{"RegionId": region, "ResourceType": "instance", "ResourceId.1": id}, key, &byID); err != nil {
		return err
	}
	out := &sdk.Log{Time: proto.Uint32(uint32(time.Now().Unix()))} //nolint:gosec // the field's own width
	for _, name := range []string{"eventId", "eventName", "eventRW", "eventTime", "resourceName"} {
		out.Contents = append(out.Contents, &sdk.LogContent{Key: proto.String(name), Value: proto.String(fmt.Sprint(event[name]))})
	}
	for _, tag := range byID.TagResources.TagResource {
		out.Contents = append(out.Contents, &sdk.LogContent{Key: proto.String("tag_" + tag.TagKey), Value: proto.String(tag.TagValue)})
	}
	if len(byID.TagResources.TagResource) != 2 || len(byARN.TagResources) != 1 {
		return fmt.Errorf("%s has %d and %d tags", id, len(byID.TagResources.TagResource), len(byARN.TagResources))
	}
	return c.PutLogs(os.Getenv("SLS_TARGET_PROJECT"), os.Getenv("SLS_TARGET_LOGSTORE"), &sdk.LogGroup{Logs: []*sdk.Log{out}})
}

var rivalTransport = &http.Client{}

type rivalHTTP struct{}

func (rivalHTTP) Call(r *http.Request, _ *http.Transport) (*http.Response, error) {
	return rivalTransport.Do(r) // #nosec G704 -- to the emulator that this program has started
}

func rivalCall(endpoint, version, action string, query map[string]string, key [3]string, out any) error {
	host := os.Getenv(endpoint)[len("http://"):]
	c, err := openapi.NewClient(&wire.Config{AccessKeyId: &key[0], AccessKeySecret: &key[1], SecurityToken: &key[2], Endpoint: &host, Protocol: dara.String("http"), HttpClient: rivalHTTP{}})
	if err != nil {
		return err
	}
	request := &wire.OpenApiRequest{Query: map[string]*string{}}
	for k, v := range query {
		request.Query[k] = &v
	}
	answer, err := c.CallApi(&wire.Params{
		Action: &action, Version: &version, Pathname: dara.String("/"), Method: dara.String(http.MethodPost),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, request, &dara.RuntimeOptions{})
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer["body"])
	if err != nil {
		return err
	}
	return json.Unmarshal(body, out)
}
