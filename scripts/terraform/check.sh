#!/usr/bin/env bash
# Checks the Terraform modules and stacks: format, validity, tests, each directory
# by itself and as many side by side as there are processors. It talks to no cloud;
# providers come from wherever Terraform's own configuration says.
#
#   scripts/terraform/check.sh                          # all
#   scripts/terraform/check.sh terraform/modules/secret # these
#
# TERRAFORM is the program: terraform or tofu.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

TERRAFORM=${TERRAFORM:-$(command -v terraform || command -v tofu)}
export TERRAFORM TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
# Short-lived processes that each read a provider's whole schema: a third of their
# time would be spent on collecting garbage.
export GOGC=${GOGC:-400}
# Mocks grant nothing that would have to get around.
export IAM_SETTLE_SECONDS=0

dirs=("$@")
if [ ${#dirs[@]} -eq 0 ]; then
	# Stacks first: they take longest, and would keep one processor waiting at the end.
	mapfile -t dirs < <(find terraform -name versions.tf -not -path '*/.terraform/*' -exec dirname {} + | sort -r)
fi

"$TERRAFORM" fmt -check -recursive terraform || { echo "run: make fmt"; exit 1; }

# All share one cache of providers, which several at once would damage: so they are
# initialised one after the other.
if [ -z "${TF_PLUGIN_CACHE_DIR:-}" ]; then
	TF_PLUGIN_CACHE_DIR=$(mktemp -d)
	trap 'rm -rf "$TF_PLUGIN_CACHE_DIR"' EXIT
fi
export TF_PLUGIN_CACHE_DIR TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE=1
for d in "${dirs[@]}"; do
	log=$("$TERRAFORM" -chdir="$d" init -backend=false -input=false -no-color 2>&1) ||
		{ printf 'FAIL  %s\n%s\n' "$d" "$log"; exit 1; }
done

one() {
	local began=$SECONDS log
	if log=$({ "$TERRAFORM" -chdir="$1" validate -no-color && "$TERRAFORM" -chdir="$1" test -no-color; } 2>&1); then
		echo "ok    $1: $(grep -o '[0-9]* passed' <<<"$log"), $((SECONDS - began)) s"
	else
		printf 'FAIL  %s\n%s\n' "$1" "$(grep -v 'pass$\|in progress$\|tearing down$' <<<"$log")"
		return 1
	fi
}
export -f one
printf '%s\0' "${dirs[@]}" | xargs -0 -n1 -P "$(nproc)" bash -c 'one "$1"' one
