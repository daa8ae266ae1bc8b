# The program alone, on nothing.
#
#   docker build -t inception .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" inception train --config quickstart
#   docker run --rm -v "$PWD:/work:ro" -p 127.0.0.1:8080:8080 inception serve --weights runs/mine --addr :8080
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.released=$VERSION" -o /inception ./cmd/inception
RUN mkdir -p /empty/tmp && chmod 1777 /empty/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /empty/tmp /tmp
COPY --from=build /src/LICENSE /
COPY --from=build /inception /inception
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/inception"]
