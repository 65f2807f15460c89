# `make` lists the targets. On a fresh machine Go and make are enough for demo
# and test; check, which is what CI runs, also wants a C compiler for the race
# detector, Node.js for the Worker, Chromium for the proof page, and Terraform or
# OpenTofu.

.DEFAULT_GOAL := help
SHELL := bash
.NOTPARALLEL:
.SHELLFLAGS := -euo pipefail -c

GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/tools/golangci-lint-$(GOLANGCI_VERSION)
FUZZTIME ?= 10s
FORMAT ?= gcf

MODULES   := . $(patsubst %/go.mod,%,$(wildcard scripts/*/go.mod))
FUNCTIONS := $(patsubst functions/%/function.go,%,$(wildcard functions/*/function.go))
WORKERS   := $(wildcard functions/*/worker)
TERRAFORM := $(or $(shell command -v terraform),$(shell command -v tofu),$(wildcard $(CURDIR)/bin/tools/tofu))
RACE      := $(if $(shell command -v gcc),-race)
# The tests that are about numbers.
VOLUME    := TestDayOfEventsExactlyOnce|TestMemoryWithHugeEntries|TestEightyGroupsOnASmallPlane|TestMistakenSliceLengthCostsNothingForGood|TestOneUnreadableObjectAmongMany|TestThousandObjectsThroughTheQueue|TestDrainDeliversEveryLogOnce|TestMemoryOfManyShards|TestManyEvents|TestChainHoldsLittle|TestReadHoldsLittle

# The tag leaves out what cloud.google.com/go/storage brings along for a client
# that is not used here: a third of a binary, and minutes of compiling.
TAGS := disable_grpc_modules
# One way to compile, so that linter, tests, binaries and what is packaged share
# the build cache.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath -tags=$(TAGS))
export CGO_ENABLED := 0
# How tests run: without the vet that lint is.
TESTFLAGS := -shuffle=on -vet=off
# Much of the time of the tests is waiting, for processes, time-outs and polls: so two
# packages run at once for each processor.
PACKAGES_AT_ONCE := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 2)))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## show the functions at work, against emulated services
	go run ./scripts/siemfeed demo

.PHONY: build
build: ## build functions and the operator's command into bin/
	go build -ldflags "-s -w" -o bin/ ./functions/*/cmd/* ./scripts/siemfeed

.PHONY: package
package: ## write what hosts (FORMAT=gcf, lambda, fc, oci) are given into dist/
	go run ./scripts/package -version "$(VERSION)" -format $(FORMAT) $(FUNCTIONS)

.PHONY: release
release: ## build all that a release consists of into dist/, DIRTY=1 of what is not committed
	go run -C scripts/release . build $(if $(DIRTY),-dirty)

.PHONY: release-check
release-check: ## build the release in two fresh clones, and compare; WITH=dist compares one with that
	go run -C scripts/release . check $(if $(WITH),-with $(abspath $(WITH))) $(if $(COLD),-cold)

.PHONY: test
test: ## run all tests, fuzz seeds included
	@$(if $(RACE),,echo "gcc not found: the tests run without the race detector")
	@# The commands' first: they take longest.
	CGO_ENABLED=$(if $(RACE),1,0) go test $(RACE) $(TESTFLAGS) -p $(PACKAGES_AT_ONCE) ./scripts/... ./functions/... ./pkg/...
	@# The servers of the other modules are not ours to search for races.
	@for m in $(filter-out .,$(MODULES)); do (set -x; cd $$m; go test $(TESTFLAGS) ./...); done
	@# Without the loads that only some processors have.
	go test -vet=off -tags=purego ./pkg/deflate ./pkg/hec
	@# Under the race detector these take a tenth of their items, or none.
	@$(if $(RACE),set -x; go test -vet=off -run '^($(VOLUME))$$' ./functions/... ./pkg/receipt)
	@for w in $(WORKERS); do \
		if command -v node >/dev/null; then (set -x; cd $$w; node --test); \
		else echo "node not found: the tests of $$w are left out"; fi; \
	done
	@if command -v chromium >/dev/null; then (set -x; cd scripts/e2e; go test -vet=off -tags=$(TAGS),browser ./page); \
	else echo "chromium not found: the proof page is not opened in a browser"; fi

.PHONY: lint
lint: $(GOLANGCI) ## vet, lint and check the format
	@for m in $(MODULES); do (set -x; cd $$m; $(CURDIR)/$(GOLANGCI) run ./...); done

.PHONY: fmt
fmt: $(GOLANGCI) ## format the code
	@for m in $(MODULES); do (set -x; cd $$m; $(CURDIR)/$(GOLANGCI) fmt); done
	$(if $(TERRAFORM),$(TERRAFORM) fmt -recursive terraform)

.PHONY: tidy
tidy: ## tell whether go.mod and go.sum are tidy
	@for m in $(MODULES); do (set -x; cd $$m; go mod tidy -diff); done

.PHONY: tf-check
tf-check: ## check and test the Terraform modules and stacks, without a cloud
	TERRAFORM=$(TERRAFORM) scripts/terraform/check.sh

.PHONY: docs
docs: ## write the READMEs of the Terraform modules and stacks from their code
	cd scripts/terraform && go run . docs

.PHONY: deploy
deploy: ## package and apply a stack of terraform/stacks: STACK=mulesoft-to-secops
	@TERRAFORM=$(TERRAFORM) scripts/terraform/deploy.sh apply "$(STACK)"

.PHONY: destroy
destroy: ## take a stack down: STACK=mulesoft-to-secops
	@TERRAFORM=$(TERRAFORM) scripts/terraform/deploy.sh destroy "$(STACK)"

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s)
	@for d in $$(grep -rl '^func Fuzz' --include=*_test.go functions pkg scripts | xargs -n1 dirname | sort -u); do \
		for f in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$d/*_test.go); do \
			(set -x; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) ./$$d); \
		done; \
	done

.PHONY: bench
bench: ## measure speed, memory and start-up, side by side with rivals
	go run ./scripts/bench all

.PHONY: check
check: need tidy lint tf-check test ## everything CI runs

# check leaves nothing out in silence.
.PHONY: need
need:
	@for tool in gcc chromium $(if $(WORKERS),node) $(or $(TERRAFORM),"terraform or tofu"); do \
		command -v "$$tool" >/dev/null || { echo "check needs $$tool"; exit 1; }; \
	done

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

$(GOLANGCI):
	GOBIN=$(CURDIR)/bin/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv bin/tools/golangci-lint $@
