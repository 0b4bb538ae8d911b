#!/bin/sh
# nats-server with nothing but its WebSocket.
folder=$(mktemp -d)
cat > "$folder/nats.conf" <<CONF
host: 127.0.0.1
port: -1
max_connections: 20000
websocket { host: 127.0.0.1, port: $1, no_tls: true, compression: false }
CONF
exec nats-server -c "$folder/nats.conf" -l "$folder/nats.log"
