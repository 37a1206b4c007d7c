#!/bin/bash
# Started by keepalived each second: exit 0 while the gateway on this server should hold the address. Its admin port is plain
# HTTP, also where clients come over TLS, and a process that hangs says nothing. No curl: a server may not have it.
port=$1
exec 3<> "/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
IFS= read -r -t 0.8 line <&3 || exit 1
[[ $line == "HTTP/1.1 200"* ]]
