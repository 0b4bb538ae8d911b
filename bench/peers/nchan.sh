#!/bin/sh
# nginx with nchan, in memory, one worker.
folder=$(mktemp -d)
cat > "$folder/nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
worker_processes 1; daemon off; master_process off; pid $folder/nginx.pid; error_log $folder/nginx.log crit; worker_rlimit_nofile 20000;
events { worker_connections 16000; }
http {
  access_log off; tcp_nodelay on; nchan_max_reserved_memory 512m;
  client_body_temp_path $folder; proxy_temp_path $folder; fastcgi_temp_path $folder; uwsgi_temp_path $folder; scgi_temp_path $folder;
  server {
    listen 127.0.0.1:$1 backlog=4096;
    location /sub { nchan_subscriber websocket; nchan_channel_id \$arg_id; nchan_subscriber_first_message newest; nchan_websocket_ping_interval 0; }
    location /pub { nchan_publisher websocket http; nchan_channel_id \$arg_id; nchan_message_buffer_length 100; nchan_message_timeout 30s; }
  }
}
CONF
exec nginx -c "$folder/nginx.conf"
