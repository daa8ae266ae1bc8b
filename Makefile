.DEFAULT_GOAL := help
.PHONY: help build test test-long fuzz lint generate generated parity interop bench bench-peers

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

build: ## the program, as bin/inception
	CGO_ENABLED=0 go build -o bin/inception ./cmd/inception

test: ## all tests, in minutes
	go test ./...

test-long: ## every property test at full length, under the race detector
	INCEPTION_LONG=1 go test -race -timeout 2h ./...

FUZZTIME = 10m
fuzz: ## every fuzz target for ten minutes; FUZZTIME=30s for less
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' internal | \
	while IFS=: read -r file func; do \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "./$${file%/*}" || exit 1; \
	done

lint: ## gofmt, go vet, staticcheck, and golangci-lint where it is installed
	test -z "$$(gofmt -l .)" && go vet ./... && go tool staticcheck ./...
	if command -v golangci-lint >/dev/null; then golangci-lint run ./...; fi

generate: ## write the committed assembly and ONNX's schema anew
	go generate ./...

generated: generate ## fail if what is committed is not what the generators write
	git diff --exit-code -- internal/kernel/simd internal/weights/convert/onnx

parity: ## logits, losses, gradients and statistics beside torchvision's, all golden cases
	INCEPTION_LONG=1 go test -count=1 -timeout 1h -run Golden -v ./internal/model

interop: ## weights and models through the real tools; docs/interop.md says what to install
	internal/interop/run.sh

bench: ## whole networks and each convolution on this machine
	go run ./cmd/inception bench --batch 8
	go run ./cmd/inception bench --mode train --batch 8
	go run ./cmd/inception bench --layers --batch 8 --time 60s

bench-peers: ## beside PyTorch and ONNX Runtime, in turn; the script says what to install
	/usr/bin/python3 internal/bench/peers/compare.py --small
