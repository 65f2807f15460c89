package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// toDeploy says what it takes to make, change and remove a resource, or to read a
// data source: permissions on Google Cloud, actions of IAM or RAM, groups of a
// token on Cloudflare. Of Google's, x.{a,b} means x.a and x.b; of the others x:{a,b}.
var toDeploy = map[string]string{
	"alicloud_fcv3_async_invoke_config":                        "fc:{PutAsyncInvokeConfig,GetAsyncInvokeConfig,DeleteAsyncInvokeConfig}",
	"alicloud_fcv3_function":                                   "fc:{CreateFunction,GetFunction,UpdateFunction,DeleteFunction}, ram:PassRole on the role that runs",
	"alicloud_fcv3_trigger":                                    "fc:{CreateTrigger,GetTrigger,UpdateTrigger,DeleteTrigger}, ram:PassRole on the role that triggers",
	"alicloud_log_dashboard":                                   "log:{CreateDashboard,GetDashboard,UpdateDashboard,DeleteDashboard}",
	"alicloud_log_store":                                       "log:{CreateLogStore,GetLogStore,UpdateLogStore,DeleteLogStore,ListShards}",
	"alicloud_log_store_index":                                 "log:{CreateIndex,GetIndex,UpdateIndex,DeleteIndex}",
	"alicloud_oss_bucket":                                      "oss:{PutBucket,GetBucketInfo,GetBucketAcl,GetBucketCors,GetBucketLifecycle,PutBucketLifecycle,GetBucketLogging,GetBucketReferer,GetBucketVersioning,GetBucketTagging,GetBucketWebsite,GetBucketPolicy,ListObjects,DeleteObject,DeleteBucket}",
	"alicloud_oss_bucket_object":                               "oss:{PutObject,GetObject,DeleteObject}",
	"alicloud_oss_bucket_public_access_block":                  "oss:{PutBucketPublicAccessBlock,GetBucketPublicAccessBlock,DeleteBucketPublicAccessBlock}",
	"alicloud_sls_alert":                                       "log:{CreateAlert,GetAlert,UpdateAlert,DeleteAlert}",
	"alicloud_ims_oidc_provider":                               "ims:{CreateOIDCProvider,GetOIDCProvider,UpdateOIDCProvider,DeleteOIDCProvider,AddClientIdToOIDCProvider,RemoveClientIdFromOIDCProvider,AddFingerprintToOIDCProvider,RemoveFingerprintFromOIDCProvider}",
	"alicloud_ram_policy":                                      "ram:{CreatePolicy,GetPolicy,CreatePolicyVersion,DeletePolicyVersion,ListPolicyVersions,DeletePolicy}",
	"alicloud_ram_role":                                        "ram:{CreateRole,GetRole,UpdateRole,DeleteRole}",
	"alicloud_ram_role_policy_attachment":                      "ram:{AttachPolicyToRole,DetachPolicyFromRole,ListPoliciesForRole}",
	"google_cloud_run_v2_job":                                  "run.jobs.{create,get,update,delete}, iam.serviceAccounts.actAs on the account that runs",
	"google_cloud_run_v2_worker_pool":                          "run.workerPools.{create,get,update,delete}, iam.serviceAccounts.actAs on the account that runs",
	"aws_cloudwatch_dashboard":                                 "cloudwatch:{PutDashboard,GetDashboard,DeleteDashboards}",
	"aws_cloudwatch_event_rule":                                "events:{PutRule,DescribeRule,DeleteRule,ListTagsForResource,TagResource}",
	"aws_cloudwatch_event_target":                              "events:{PutTargets,ListTargetsByRule,RemoveTargets}",
	"aws_cloudwatch_log_group":                                 "logs:{CreateLogGroup,DescribeLogGroups,PutRetentionPolicy,DeleteLogGroup,ListTagsForResource,TagResource}",
	"aws_cloudwatch_log_metric_filter":                         "logs:{PutMetricFilter,DescribeMetricFilters,DeleteMetricFilter}",
	"aws_cloudwatch_metric_alarm":                              "cloudwatch:{PutMetricAlarm,DescribeAlarms,DeleteAlarms,ListTagsForResource,TagResource}",
	"aws_iam_role":                                             "iam:{CreateRole,GetRole,UpdateAssumeRolePolicy,DeleteRole,ListRolePolicies,ListAttachedRolePolicies,ListInstanceProfilesForRole,TagRole}, iam:PassRole on it",
	"aws_iam_role_policy":                                      "iam:{PutRolePolicy,GetRolePolicy,DeleteRolePolicy}",
	"aws_lambda_event_source_mapping":                          "lambda:{CreateEventSourceMapping,GetEventSourceMapping,UpdateEventSourceMapping,DeleteEventSourceMapping,ListTags,TagResource}",
	"aws_lambda_function":                                      "lambda:{CreateFunction,GetFunction,UpdateFunctionCode,UpdateFunctionConfiguration,DeleteFunction,ListVersionsByFunction,GetFunctionCodeSigningConfig,ListTags,TagResource}",
	"aws_s3_bucket":                                            "s3:{CreateBucket,ListBucket,DeleteBucket,GetBucket*,GetEncryptionConfiguration,GetLifecycleConfiguration,GetReplicationConfiguration,GetAccelerateConfiguration,PutBucketTagging}",
	"aws_s3_bucket_lifecycle_configuration":                    "s3:{PutLifecycleConfiguration,GetLifecycleConfiguration}",
	"aws_s3_bucket_notification":                               "s3:{PutBucketNotification,GetBucketNotification}",
	"aws_s3_bucket_ownership_controls":                         "s3:{PutBucketOwnershipControls,GetBucketOwnershipControls}",
	"aws_s3_bucket_public_access_block":                        "s3:{PutBucketPublicAccessBlock,GetBucketPublicAccessBlock}",
	"aws_scheduler_schedule":                                   "scheduler:{CreateSchedule,GetSchedule,UpdateSchedule,DeleteSchedule}, iam:PassRole on the role that invokes",
	"aws_sqs_queue":                                            "sqs:{CreateQueue,GetQueueAttributes,SetQueueAttributes,DeleteQueue,ListQueueTags,TagQueue}",
	"aws_sqs_queue_policy":                                     "sqs:{GetQueueAttributes,SetQueueAttributes}",
	"aws_sqs_queue_redrive_allow_policy":                       "sqs:{GetQueueAttributes,SetQueueAttributes}",
	"cloudflare_account_token":                                 "Account API Tokens: Edit",
	"cloudflare_logpush_job":                                   "Logs: Edit, on the zone for datasets of a zone",
	"cloudflare_queue":                                         "Queues: Edit",
	"cloudflare_queue_consumer":                                "Queues: Edit",
	"cloudflare_r2_bucket":                                     "Workers R2 Storage: Edit",
	"cloudflare_r2_bucket_event_notification":                  "Workers R2 Storage: Edit, Queues: Edit",
	"cloudflare_r2_bucket_lifecycle":                           "Workers R2 Storage: Edit",
	"cloudflare_workers_cron_trigger":                          "Workers Scripts: Edit",
	"cloudflare_workers_script":                                "Workers Scripts: Edit",
	"terraform_data":                                           "",
	"data.cloudflare_account_api_token_permission_groups_list": "Account API Tokens: Read",
	"data.aws_caller_identity":                                 "sts:GetCallerIdentity",
	"data.aws_partition":                                       "",
	"data.google_project":                                      "resourcemanager.projects.get",
	"google_artifact_registry_repository":                      "artifactregistry.repositories.{create,get,update,delete}",
	"google_artifact_registry_repository_iam_member":           "artifactregistry.repositories.{getIamPolicy,setIamPolicy}",
	"google_chronicle_feed":                                    "chronicle.feeds.{create,get,update,delete}",
	"google_cloud_run_v2_service":                              "run.services.{create,get,update,delete}, iam.serviceAccounts.actAs on the account that runs",
	"google_cloud_run_v2_service_iam_member":                   "run.services.{getIamPolicy,setIamPolicy}",
	"google_cloud_scheduler_job":                               "cloudscheduler.jobs.{create,get,update,delete}, iam.serviceAccounts.actAs on an account as which it calls a service",
	"google_cloudfunctions2_function":                          "cloudfunctions.functions.{create,get,update,delete}, cloudfunctions.operations.get, iam.serviceAccounts.actAs on the accounts that build and run",
	"google_logging_metric":                                    "logging.logMetrics.{create,get,update,delete}",
	"google_monitoring_alert_policy":                           "monitoring.alertPolicies.{create,get,update,delete}",
	"google_monitoring_dashboard":                              "monitoring.dashboards.{create,get,update,delete}",
	"google_project_iam_member":                                "resourcemanager.projects.{getIamPolicy,setIamPolicy}",
	"google_project_service":                                   "serviceusage.services.{enable,get,list}",
	"google_pubsub_subscription":                               "pubsub.subscriptions.{create,get,update,delete}, pubsub.topics.attachSubscription",
	"google_pubsub_subscription_iam_member":                    "pubsub.subscriptions.{getIamPolicy,setIamPolicy}",
	"google_pubsub_topic":                                      "pubsub.topics.{create,get,update,delete}",
	"google_pubsub_topic_iam_member":                           "pubsub.topics.{getIamPolicy,setIamPolicy}",
	"google_secret_manager_secret":                             "secretmanager.secrets.{create,get,update,delete}",
	"google_secret_manager_secret_iam_member":                  "secretmanager.secrets.{getIamPolicy,setIamPolicy}",
	"google_secret_manager_secret_version":                     "secretmanager.versions.{add,get,enable,disable,destroy}",
	"google_service_account":                                   "iam.serviceAccounts.{create,get,update,delete}",
	"google_service_account_iam_member":                        "iam.serviceAccounts.{getIamPolicy,setIamPolicy}",
	"google_storage_bucket":                                    "storage.buckets.{create,get,update,delete}, storage.objects.{list,delete} for the source bucket",
	"google_storage_bucket_iam_member":                         "storage.buckets.{getIamPolicy,setIamPolicy}",
	"google_storage_bucket_object":                             "storage.objects.{create,get,delete}",
}

// granted is what a policy grants: a role of Google's, an action of IAM or RAM, or
// a permission group of Cloudflare's.
var granted = regexp.MustCompile(`^(roles/[A-Za-z.]+|[a-z0-9]+:[A-Z][A-Za-z]+\*?|(Workers R2 Storage|Queues)[A-Za-z ]* (Read|Write))$`)

// permissions has what it takes to deploy all of the configurations, and what they
// grant to those who run.
func permissions(all []*configuration) (string, error) {
	var b strings.Builder
	b.WriteString("## Permissions to deploy\n\nWhoever applies this needs, by resource:\n\n| for | permissions |\n|---|---|\n")
	var unknown []error
	for _, t := range types(all) {
		need, known := toDeploy[t]
		if !known {
			unknown = append(unknown, fmt.Errorf("what it takes to deploy %s is not in the table toDeploy", t))
		}
		if need != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", t, need)
		}
	}
	b.WriteString("\n## Permissions to run\n\nWhat it grants to those who run, each on the resources it names and no others; an option that is left out grants nothing. google_project_iam_member is for a whole project, but for what its condition leaves of it, and Queues for a whole account: nothing smaller can be granted.\n\n| by | grants |\n|---|---|\n")
	for _, g := range grants(all) {
		fmt.Fprintf(&b, "| %s | %s |\n", g.by, strings.Join(g.what, ", "))
	}
	return b.String(), errors.Join(unknown...)
}

// grant is what one resource or data source grants.
type grant struct {
	by   string
	what []string
}

// grants lists what all grant, in the order of the names of those that do.
func grants(all []*configuration) (out []grant) {
	add := func(c *configuration, by string, n hclsyntax.Node) {
		var what []string
		for _, s := range c.literals(n) {
			if granted.MatchString(s) {
				what = append(what, s)
			}
		}
		slices.Sort(what)
		if what = slices.Compact(what); len(what) > 0 {
			out = append(out, grant{by, what})
		}
	}
	for _, c := range all {
		for _, b := range append(c.of("resource"), c.of("data")...) {
			if strings.Contains(b.Labels[0], "_iam_") || strings.Contains(b.Labels[0], "_ram_") {
				add(c, b.Labels[0]+"."+b.Labels[1], b.Body)
			}
		}
		// A module that makes a policy is told by its variable grants what is in it.
		for _, b := range c.of("module") {
			if told, ok := b.Body.Attributes["grants"]; ok {
				add(c, "module."+b.Labels[0], told.Expr)
			}
		}
		// Tokens are made of a table, one each.
		for _, b := range c.of("locals") {
			tokens, ok := b.Body.Attributes["tokens"]
			if !ok {
				continue
			}
			if table, ok := tokens.Expr.(*hclsyntax.ObjectConsExpr); ok {
				for _, item := range table.Items {
					add(c, "token "+hcl.ExprAsKeyword(item.KeyExpr), item.ValueExpr)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b grant) int { return strings.Compare(a.by, b.by) })
	return out
}
