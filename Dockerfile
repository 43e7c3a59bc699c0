# Two small images from one build: notifier (the last stage), and demo with what stands in for an agent and for Slack.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Empty, it is what Go knows of the checkout.
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X github.com/prometheus/common/version.Version=${VERSION}" -o /out/ ./cmd/...
RUN mkdir /out/data && chown 65532:65532 /out/data

# The notifier is here for its command health alone: the image has no shell and no other program that could ask.
FROM scratch AS demo
COPY --from=build /out/demo-agent /out/demo-slack /out/notifier /
USER 65532:65532
EXPOSE 8080 8090
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["/notifier", "health", "--url=http://127.0.0.1:8080"]
ENTRYPOINT ["/demo-agent"]

FROM scratch AS notifier
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/notifier /notifier
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
EXPOSE 9095
VOLUME /data
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["/notifier", "health", "--url=http://127.0.0.1:9095"]
ENTRYPOINT ["/notifier"]
CMD ["serve", "--config.file=/etc/notifier/notifier.yml", "--storage.path=/data"]
