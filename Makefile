.PHONY: build test test-long vet generate parity interop bench bench-peers

build:
	CGO_ENABLED=0 go build -o bin/inception ./cmd/inception

test:
	go test ./...

# Every property test at full length, under the race detector.
test-long:
	INCEPTION_LONG=1 go test -race -timeout 2h ./...

vet:
	gofmt -l . && go vet ./... && go tool staticcheck ./...

# Writes the committed assembly anew.
generate:
	go generate ./...

# Logits, losses, gradients and running statistics beside torchvision's, on
# all golden cases.
parity:
	INCEPTION_LONG=1 go test -count=1 -timeout 1h -run Golden -v ./internal/model
