#!/usr/bin/env bash
# Deploys a stack, or takes it down:
#
#   scripts/terraform/deploy.sh apply mulesoft-to-secops
#   scripts/terraform/deploy.sh destroy mulesoft-to-secops
#
# apply packages what the stack deploys, shows the plan and applies it after a yes;
# destroy likewise, and says what stays. TERRAFORM is the program: terraform or
# tofu.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

verb=${1:-} stack=${2:-}
dir=terraform/stacks/$stack
TERRAFORM=${TERRAFORM:-$(command -v terraform || command -v tofu)}

if [ -z "$stack" ] || [ ! -f "$dir/versions.tf" ]; then
	echo "Which stack? STACK is one of:" >&2
	find terraform/stacks -name versions.tf -not -path '*/.terraform/*' -printf '  %P\n' | sed 's|/versions.tf||' | sort >&2
	exit 2
fi
if [ ! -f "$dir/terraform.tfvars" ] && [ -z "$(find "$dir" -name '*.auto.tfvars' -print -quit)" ]; then
	echo "Copy $dir/terraform.tfvars.example to $dir/terraform.tfvars and fill it in." >&2
	exit 2
fi

case $verb in
apply)
	# What is deployed from a release says so. Anything else does not name its commit,
	# so that a function is deployed anew only when it has changed.
	version=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null || true)
	[ -z "$(git status --porcelain 2>/dev/null)" ] || version=
	# Each stack says in its main.tf what it deploys: "# package: FORMAT FUNCTION".
	grep -h '^# package: ' "$dir"/*.tf | while read -r _ _ format function; do
		go run ./scripts/package -version "$version" -format "$format" "$function"
	done
	"$TERRAFORM" -chdir="$dir" init -input=false
	"$TERRAFORM" -chdir="$dir" apply
	;;
destroy)
	"$TERRAFORM" -chdir="$dir" init -input=false
	cat <<-EOT

		What stays: a bucket with logs or state in it is not deleted, and the command
		then ends with an error that names it: keep it, or empty it by hand and repeat.
		Logstores of Alibaba Cloud are protected, and the command is refused before it
		takes anything down: set protect = false, deploy, and repeat. Then they go with
		all that is in them, as buckets of code always do; export first what is to be
		kept. Of these Terraform knows:

	EOT
	"$TERRAFORM" -chdir="$dir" state list | grep -E '(_bucket|_log_store|_log_project)\.' || echo "(none)"
	echo
	"$TERRAFORM" -chdir="$dir" destroy
	;;
*)
	echo "usage: $0 apply|destroy STACK" >&2
	exit 2
	;;
esac
