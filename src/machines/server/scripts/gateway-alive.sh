#!/bin/bash
# Started by keepalived each second: exit 0 while the gateway on this server answers. No curl: a server may not have it.
scheme=$1 port=$2
exec 3<> "/dev/tcp/127.0.0.1/$port" || exit 1
# With TLS an accepted connection has to do.
[ "$scheme" = http ] || exit 0
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
IFS= read -r -t 0.8 line <&3 || exit 1
[[ $line == "HTTP/1.1 200"* ]]
