# Two small images from one build: notifier (the last stage) and demo-agent.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/...
RUN mkdir /out/data && chown 65532:65532 /out/data

FROM scratch AS demo-agent
COPY --from=build /out/demo-agent /demo-agent
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/demo-agent"]

FROM scratch AS notifier
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/notifier /notifier
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
EXPOSE 9095
VOLUME /data
ENTRYPOINT ["/notifier"]
CMD ["serve", "--config.file=/etc/notifier/notifier.yml", "--storage.path=/data"]
