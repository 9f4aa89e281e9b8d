# Targets for people and for CI alike: .ci/run calls these and nothing else.
# What is needed: Go, git, make. A C compiler adds the race detector to the
# tests, nothing more.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Where everything built goes; deleted by "make clean".
BIN := bin
TOOLS := $(CURDIR)/$(BIN)/tools

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Binaries name no path of the machine that built them, and get their version
# from here rather than from git's metadata, which a source archive lacks.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'

# Each has its command in plugin/NAME/cmd/NAME.
PLUGINS := trustpayments

# PKG narrows tests down: make test PKG=./host/...
PKG ?= ./...
# TESTFLAGS adds to them: make test TESTFLAGS='-run Recovery -v'
TESTFLAGS ?=
# FUZZTIME is how long each fuzz target runs.
FUZZTIME ?= 20s

GOLANGCI_LINT_VERSION := v2.15.0
BUF_VERSION := v1.57.0
PROTOC_GEN_GO_VERSION := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2

##@ Try it

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Charge orders end to end against a simulated gateway; fails if one penny disagrees.
	$(BIN)/testharness demo

.PHONY: run
run: build ## The same, but stay up and print the addresses.
	$(BIN)/testharness run

##@ Work on it

.PHONY: build
build: $(PLUGINS:%=build-plugin-%) ## Build the host, the plugins and the test harness into bin/.
	$(GO_BUILD) -o $(BIN)/testharness ./testharness/cmd/testharness

.PHONY: build-host
build-host:
	@mkdir -p $(BIN)
	$(GO_BUILD) -o $(BIN)/chargehand ./host/cmd/chargehand

# A plugin lies in a folder of its own with the manifest that the host checks
# its binary against before running it: so the manifest is made with every build.
.PHONY: $(PLUGINS:%=build-plugin-%)
$(PLUGINS:%=build-plugin-%): build-plugin-%: build-host
	@mkdir -p $(BIN)/plugins/$*
	$(GO_BUILD) -o $(BIN)/plugins/$*/$* ./plugin/$*/cmd/$*
	$(BIN)/chargehand plugin manifest $(BIN)/plugins/$*/$* >$(BIN)/plugins/$*/$*.json
	@chmod go-w $(BIN)/plugins $(BIN)/plugins/$* $(BIN)/plugins/$*/* # the host runs nothing that others can write

.PHONY: test
test: ## Run all tests, on SQLite and MariaDB and in Chromium, with the race detector where a C compiler is there.
	.ci/mariadb .ci/chromium .ci/gotest -timeout 20m $(TESTFLAGS) $(PKG)

.PHONY: cluster
cluster: ## Test several hosts on a MariaDB Galera cluster of three nodes, one of which is killed.
	.ci/galera .ci/gotest -timeout 10m -count=1 $(TESTFLAGS) ./testharness/cluster

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Check style, import rules and likely faults.
	$(TOOLS)/golangci-lint run $(PKG)

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## Format the code.
	$(TOOLS)/golangci-lint fmt

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (20s).
	.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: build ## Measure charges per second, latency and memory, on MariaDB and SQLite.
	.ci/mariadb $(BIN)/testharness bench

.PHONY: conformance
conformance: build ## Examine the Trust Payments plugin as any plugin is examined.
	$(BIN)/testharness conformance --plugin $(BIN)/plugins/trustpayments/trustpayments

.PHONY: chaos
chaos: build ## Kill, stop and cut everything while 20,000 orders are charged; fails if one penny disagrees.
	$(BIN)/testharness chaos --orders 20000 --kills 200 --duration 8m --report $(BIN)/chaos.html

.PHONY: mutants
mutants: ## Break the product on purpose, one way at a time: every time some test must notice.
	go run ./testharness/cmd/mutants

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## Generate the code of the plugin protocol, and the table of steps.
	cd shared/paymentv1 && PATH="$(TOOLS):$$PATH" && buf lint && buf generate
	go generate ./host/step

.PHONY: generate-check
generate-check: generate ## Fail if the generated code is not what its sources give.
	@changed=$$(git status --porcelain -- shared/paymentv1 host/step); \
	if [[ -n $$changed ]]; then \
	  printf 'Generated code differs from its sources. Run "make generate" and commit:\n%s\n' "$$changed" >&2; \
	  git --no-pager diff -- shared/paymentv1 host/step >&2; \
	  exit 1; \
	fi

.PHONY: clean
clean: ## Delete what was built, tools included.
	rm -rf $(BIN)

# Tools are built from source by Go, once per version of the tool and of Go (a
# linter can't read code newer than the Go that built it): the stamp says which.
GO_VERSION := $(shell go env GOVERSION)

# $(call tool,name,package,version)
define tool
$(TOOLS)/$(1): $(TOOLS)/.$(1)-$(3)-$(GO_VERSION)
$(TOOLS)/.$(1)-$(3)-$(GO_VERSION):
	@mkdir -p $(TOOLS) && rm -f $(TOOLS)/.$(1)-v*
	CGO_ENABLED=0 GOFLAGS= GOBIN=$(TOOLS) go install $(2)@$(3)
	@touch $$@
endef

$(eval $(call tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION)))
$(eval $(call tool,buf,github.com/bufbuild/buf/cmd/buf,$(BUF_VERSION)))
$(eval $(call tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go,$(PROTOC_GEN_GO_VERSION)))
$(eval $(call tool,protoc-gen-go-grpc,google.golang.org/grpc/cmd/protoc-gen-go-grpc,$(PROTOC_GEN_GO_GRPC_VERSION)))
