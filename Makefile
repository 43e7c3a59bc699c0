# Everything that a contributor runs. `make help` explains.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

tool = go tool -modfile=tools/$(1)/go.mod $(1)

.PHONY: help
help: ## Say what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the programs into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...

.PHONY: demo
demo: ## Show it: an agent falls ill and recovers
	go run ./cmd/notifier demo --once

.PHONY: test
test: ## Run the tests (Go is all they need)
	go test ./...

.PHONY: race
race: ## Run the tests with the race detector, in random order
	go test -race -shuffle=on ./...

.PHONY: vet
vet: ## Build and vet everything, tests of every kind included
	go build ./...
	go vet ./...
	go vet -tags=captures,acceptance ./...

.PHONY: lint
lint: ## Run the linters
	$(call tool,golangci-lint) run

.PHONY: format
format: ## Format the Go code
	$(call tool,gofumpt) -l -w .

.PHONY: format-check
format-check:
	@unformatted=$$($(call tool,gofumpt) -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted, run make format:"; echo "$$unformatted"; exit 1; fi

.PHONY: tidy
tidy: ## Tidy every go.mod
	go mod tidy
	for dir in tools/*/; do go -C $$dir mod tidy; done

.PHONY: tidy-check
tidy-check:
	go mod tidy -diff
	for dir in tools/*/; do go -C $$dir mod tidy -diff; done

.PHONY: check
check: vet format-check tidy-check lint race ## Everything that must hold before a commit, as CI runs it

.PHONY: acceptance
acceptance: ## Run the tests that need other programs: Prometheus, Alertmanager, postfix, chromium, … (see CONTRIBUTING.md)
	go test -tags=acceptance -count=1 ./deploy/... ./e2e/... ./rules/... ./config/alertmanager/... ./notifiers/email/... ./cmd/notifier/...

.PHONY: man
man: ## Write the manual page anew
	go run ./cmd/notifier --help-man > deploy/man/notifier.1

.PHONY: captures
captures: ## Compare with real agents' metrics: CAPTURES names the folder that holds them
	go test -tags=captures -count=1 ./diagnostics/... ./rules/...

.PHONY: fuzz
# Only a failing input, which Go writes to testdata/fuzz, is a failure: the end of the time is one now and then (go.dev/issue/75804). By
# default a new input would be made smaller for a minute, three times as long as there is.
fuzz: vet ## Fuzz everything that parses, 20 s each (FUZZTIME=…)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do \
		grep -ho '^func Fuzz[A-Za-z0-9]*' $$dir/*_test.go | cut -d' ' -f2 | while read -r target; do \
			echo "$$dir $$target"; \
			go test -run='^$$' -fuzz="^$$target$$" -fuzztime=$${FUZZTIME:-20s} -fuzzminimizetime=10x $$dir || \
				[ -z "$$(git ls-files --others '*/testdata/fuzz/*')" ] || exit 1; done || exit 1; done

.PHONY: faults
faults: ## Break everything at once, for minutes: kill -9, sick sinks, a full disk (the short form is in make test)
	go test -count=1 -timeout=30m ./faults -faults.long -v

.PHONY: bench
bench: ## Measure; docs/performance.md says what
	go test -run='^$$' -bench=. -benchmem -timeout=30m ./...

.PHONY: pictures
pictures: ## Take the pictures in docs/pictures anew (needs chromium)
	go test -tags=acceptance -count=1 -run=TestPictures ./cmd/notifier -update
