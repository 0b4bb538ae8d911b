// A load generator: one thread, epoll, nothing but the system. It speaks the protocols of several pub/sub servers and
// prints one JSON object.
//
//   load --proto raw --port 9000 --mode fanout --subs 1000 --channels 1
//          --pubs 1 --window 16 --duration 4 --pid 1234
//
// modes:  fanout   closed loop (--window) or open loop (--rate msgs/s)
//         ingest   publishers with acknowledged publishes, no subscribers; with --count N so many of them and no more,
//                  with --fill N so many before anything counts
//         connect  connect+subscribe --subs clients, report rate and memory
//         join     --pubs clients subscribe and unsubscribe, over and over, in a channel that has --subs members and
//                  --fill entries; with --told 1 each member is told of each of both (hookbox only)
//
// --pid names the processes of the server, --redis-pid that of a Redis behind it, whose cost is told apart.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <vector>
using std::string;

static uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static void die(const char *f, ...) {
  va_list a;
  va_start(a, f);
  printf("{\"error\":\"");
  vprintf(f, a);
  printf("\"}\n");
  va_end(a);
  exit(1);
}

// ---- options ---------------------------------------------------------------
static string o_proto = "raw", o_mode = "fanout", o_path, o_pids, o_redis;
static int o_port = 9000, o_subs = 100, o_chans = 1, o_pubs = 1, o_window = 16, o_size = 128, o_conc = 128;
static int o_each = 1, o_fill = 0, o_told = 0; // channels of a subscriber, entries of the history, whether joins are told
static int o_count = 0;
static double o_dur = 4, o_warm = 1, o_rate = 0, o_settle = 1, o_silent = 0, o_deadline = 20;

// ---- latency histogram: 64 powers of two x 32 linear steps -------------------
static uint64_t hist[64 * 32], hcount;
static void hadd(uint64_t v) {
  if (v < 32) {
    hist[v]++;
  } else {
    int e = 63 - __builtin_clzll(v);
    hist[(e - 4) * 32 + ((v >> (e - 5)) & 31)]++;
  }
  hcount++;
}
static double hq(double q) {
  uint64_t want = (uint64_t)(q * hcount), s = 0;
  for (int i = 0; i < 64 * 32; i++) {
    s += hist[i];
    if (s > want) {
      if (i < 32)
        return i;
      int e = i / 32 + 4;
      return (double)((1ull << e) + ((uint64_t)(i % 32) << (e - 5)));
    }
  }
  return 0;
}

// ---- server process accounting ----------------------------------------------
static std::vector<int> pids, redis;
static double cpu_of(const std::vector<int> &all) { // user+system seconds
  double t = 0;
  static long hz = sysconf(_SC_CLK_TCK);
  for (int p : all) {
    char b[64];
    snprintf(b, 64, "/proc/%d/stat", p);
    FILE *f = fopen(b, "r");
    if (!f)
      continue;
    char l[1024];
    if (fgets(l, 1024, f)) {
      char *c = strrchr(l, ')');
      unsigned long u, s;
      if (c && sscanf(c + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s) == 2)
        t += (double)(u + s) / hz;
    }
    fclose(f);
  }
  return t;
}
static double cpu_s() {
  return cpu_of(pids);
}
static double redis_s() {
  return cpu_of(redis);
}
static double rss_kb(const std::vector<int> &all = pids) {
  double t = 0;
  for (int p : all) {
    char b[64];
    snprintf(b, 64, "/proc/%d/status", p);
    FILE *f = fopen(b, "r");
    if (!f)
      continue;
    char l[256];
    long k;
    while (fgets(l, 256, f))
      if (sscanf(l, "VmRSS: %ld", &k) == 1)
        t += k;
    fclose(f);
  }
  return t;
}
static double self_cpu() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

// ---- connections --------------------------------------------------------------
enum { CONNECTING, UPGRADING, HELLO, READY, DEAD };
enum { OUTSIDE, ENTERING, INSIDE, LEAVING }; // the steps of a client that joins
struct Conn {
  int fd = -1, idx = 0, chan = 0, state = CONNECTING, step = 0, outstanding = 0;
  bool pub = false, wantout = false;
  string in, out, cid;
  uint32_t nextid = 1;
  uint64_t asked = 0;
};
static int ep;
static std::vector<Conn *> conns, pubv;
static uint64_t n_ready, n_delivered, n_acks, n_dead, n_rx;
static uint64_t n_members, n_joined, n_left, n_told, n_answer; // joins, leaves, what members were told of them, bytes of the answers
static bool ack_wanted = false, joining = false;
static int last_close = 0; // the code with which a server closed; 0: the line broke

static void want(Conn *c, bool o) {
  if (c->wantout == o)
    return;
  c->wantout = o;
  epoll_event e;
  e.events = EPOLLIN | (o ? EPOLLOUT : 0);
  e.data.ptr = c;
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void flush(Conn *c) {
  while (!c->out.empty()) {
    ssize_t n = send(c->fd, c->out.data(), c->out.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      if (errno == EAGAIN)
        break;
      c->state = DEAD;
      n_dead++;
      return;
    }
    c->out.erase(0, n);
  }
  want(c, !c->out.empty());
}
static void frame(Conn *c, int op, const char *d, size_t n) { // masked client frame appended to out
  unsigned char h[14];
  int k = 0;
  h[k++] = 0x80 | op;
  if (n < 126)
    h[k++] = 0x80 | n;
  else if (n < 65536) {
    h[k++] = 0x80 | 126;
    h[k++] = n >> 8;
    h[k++] = n;
  } else
    die("frame too big");
  static uint32_t seed = 12345;
  seed = seed * 1664525u + 1013904223u;
  unsigned char m[4];
  memcpy(m, &seed, 4);
  m[0] |= 1;
  memcpy(h + k, m, 4);
  k += 4;
  c->out.append((char *)h, k);
  size_t at = c->out.size();
  c->out.append(d, n);
  char *p = &c->out[at];
  for (size_t i = 0; i < n; i++)
    p[i] ^= m[i & 3];
}
static void text(Conn *c, const string &s) {
  frame(c, 1, s.data(), s.size());
}
static void bin(Conn *c, const string &s) {
  frame(c, 2, s.data(), s.size());
}
static string chname(int i) {
  char b[24];
  snprintf(b, 24, "c%d", i);
  return b;
}
static string fmt(const char *f, ...) {
  char b[2048];
  va_list a;
  va_start(a, f);
  int n = vsnprintf(b, sizeof b, f, a);
  va_end(a);
  return string(b, n);
}
static void ready(Conn *c) {
  if (c->state == READY)
    return;
  c->state = READY;
  n_ready++;
}
static bool has(const char *d, size_t n, const char *s) {
  return memmem(d, n, s, strlen(s)) != nullptr;
}
static int count(const char *d, size_t n, const char *s) {
  int k = 0;
  size_t l = strlen(s);
  const char *e = d + n;
  while (d < e) {
    const char *p = (const char *)memmem(d, e - d, s, l);
    if (!p)
      break;
    k++;
    d = p + l;
  }
  return k;
}

// ---- protocols -----------------------------------------------------------------
struct Proto {
  virtual ~Proto() {
  }
  virtual string path(Conn *) {
    return "/";
  }
  virtual string sub() {
    return "";
  }
  virtual void open(Conn *c) = 0;                                             // WebSocket is up
  virtual void msg(Conn *c, int op, const char *d, size_t n) = 0;             // a non-delivery message
  virtual void publish(Conn *c, int ch, const string &payload, bool ack) = 0; // appends to c->out
  virtual void join(Conn *, bool) {
    die("--mode join: expected --proto hookbox");
  }
};
struct Raw : Proto { // the minimal JSON protocol of our own baseline servers
  void open(Conn *c) override {
    if (c->pub)
      ready(c);
    else
      text(c, "{\"op\":\"sub\",\"ch\":\"" + chname(c->chan) + "\"}");
  }
  void msg(Conn *c, int, const char *d, size_t n) override {
    if (c->state != READY)
      ready(c);
    else if (c->pub) {
      int k = count(d, n, "\"ack\"");
      n_acks += k;
      c->outstanding -= k;
    }
  }
  void publish(Conn *c, int ch, const string &p, bool ack) override {
    text(c, (ack ? fmt("{\"op\":\"pub\",\"id\":%u,\"ch\":\"c%d\",\"data\":", c->nextid++, ch)
                 : fmt("{\"op\":\"pub\",\"ch\":\"c%d\",\"data\":", ch)) +
                p + "}");
  }
};
struct Hookbox : Proto { // hookbox.v1: CONNECT and SUBSCRIBE travel in one message
  string path(Conn *) override {
    return "/ws";
  }
  string sub() override {
    return "hookbox.v1";
  }
  void open(Conn *c) override {
    string s = fmt("[1,\"CONNECT\",{\"payload\":{\"name\":\"u%d\"}}]", c->idx);
    c->nextid = 2;
    for (int i = 0; i < o_each && waits(c); i++)
      s += "\n" + subscribe(c, c->chan + i);
    text(c, s);
  }
  bool waits(Conn *c) { // for a subscription, before it is ready
    return !c->pub && o_mode != "join";
  }
  string subscribe(Conn *c, int ch) {
    return fmt("[%u,\"SUBSCRIBE\",{\"channel_name\":\"c%d\"}]", c->nextid++, ch % o_chans);
  }
  void msg(Conn *c, int, const char *d, size_t n) override {
    if (has(d, n, "\"PING\""))
      text(c, "[0,\"PONG\",{}]");
    if (has(d, n, "\"ERROR\""))
      die("hub answered %.*s", (int)(n < 200 ? n : 200), d);
    if (c->state != READY) {
      if (!waits(c) ? has(d, n, "\"CONNECTED\"") : (c->step += count(d, n, "\"SUBSCRIBED\"")) >= o_each)
        ready(c);
      return;
    }
    if (o_mode == "join" && !c->pub)
      n_told += count(d, n, "[0,\"SUBSCRIBE\",") + count(d, n, "[0,\"UNSUBSCRIBE\",");
    if (c->step == ENTERING && !joining && has(d, n, "\"SUBSCRIBED\"")) {
      c->step = INSIDE;
      n_members++;
    } else if (joining && c->step == ENTERING && has(d, n, "\"SUBSCRIBED\"")) {
      c->step = INSIDE;
      n_joined++;
      n_answer += n;
      hadd(now_ns() - c->asked);
    } else if (joining && c->step == LEAVING && has(d, n, "\"RESULT\"")) {
      c->step = OUTSIDE;
      n_left++;
    } else if (c->pub) {
      int k = count(d, n, "\"RESULT\"");
      n_acks += k;
      c->outstanding -= k;
    }
  }
  void publish(Conn *c, int ch, const string &p, bool) override {
    text(c, fmt("[%u,\"PUBLISH\",{\"channel_name\":\"c%d\",\"payload\":", c->nextid++, ch) + p + "}]");
  }
  void join(Conn *c, bool in) override {
    c->asked = now_ns();
    text(c, in ? subscribe(c, c->chan) : fmt("[%u,\"UNSUBSCRIBE\",{\"channel_name\":\"c%d\"}]", c->nextid++, c->chan));
  }
};
struct Sio : Proto {
  string path(Conn *) override {
    return "/socket.io/?EIO=4&transport=websocket";
  }
  void open(Conn *) override {
  }
  void msg(Conn *c, int, const char *d, size_t n) override {
    if (d[0] == '0')
      text(c, "40");
    else if (d[0] == '2')
      text(c, "3");
    else if (n > 1 && d[0] == '4' && d[1] == '0') {
      if (c->pub)
        ready(c);
      else
        text(c, "420[\"sub\",\"" + chname(c->chan) + "\"]");
    } else if (n > 1 && d[0] == '4' && d[1] == '3') {
      if (c->state != READY)
        ready(c);
      else {
        n_acks++;
        c->outstanding--;
      }
    }
  }
  void publish(Conn *c, int ch, const string &p, bool ack) override {
    text(c, (ack ? fmt("42%u[\"pub\",\"c%d\",", c->nextid++, ch) : fmt("42[\"pub\",\"c%d\",", ch)) + p + "]");
  }
};
struct Nats : Proto {
  void open(Conn *) override {
  }
  void msg(Conn *c, int, const char *d, size_t n) override {
    if (has(d, n, "INFO ")) {
      bin(c, fmt("CONNECT {\"verbose\":%s,\"pedantic\":false,\"lang\":\"hb\",\"version\":\"1\",\"protocol\":1}\r\n",
                 c->pub && ack_wanted ? "true" : "false") +
                 (c->pub ? "PING\r\n" : "SUB " + chname(c->chan) + " 1\r\nPING\r\n"));
      return;
    }
    if (c->state == READY) {
      int k = count(d, n, "+OK");
      n_acks += k;
      c->outstanding -= k;
      if (has(d, n, "PING"))
        bin(c, "PONG\r\n");
      return;
    }
    if (has(d, n, "PONG"))
      ready(c);
  }
  void publish(Conn *c, int ch, const string &p, bool) override {
    bin(c, fmt("PUB c%d %zu\r\n", ch, p.size()) + p + "\r\n");
  }
};
struct Nchan : Proto {
  string path(Conn *c) override {
    return (c->pub ? "/pub?id=" : "/sub?id=") + chname(c->chan);
  }
  void open(Conn *c) override {
    ready(c);
  }
  void msg(Conn *c, int, const char *, size_t) override {
    if (c->pub) {
      n_acks++;
      c->outstanding--;
    }
  }
  void publish(Conn *c, int, const string &p, bool) override {
    text(c, p);
  }
};
struct Centrifuge : Proto { // JSON protocol v1 (centrifuge 0.15 / Centrifugo v2-v3)
  string path(Conn *) override {
    return "/connection/websocket";
  }
  void open(Conn *c) override {
    text(c, "{\"id\":1,\"params\":{}}");
  }
  void msg(Conn *c, int, const char *d, size_t n) override {
    if (c->state == READY) {
      int k = count(d, n, "\"id\":");
      n_acks += k;
      c->outstanding -= k;
      return;
    }
    if (has(d, n, "\"id\":1,")) {
      c->nextid = 10;
      if (c->pub)
        ready(c);
      else
        text(c, "{\"id\":2,\"method\":1,\"params\":{\"channel\":\"" + chname(c->chan) + "\"}}");
    } else if (has(d, n, "\"id\":2,"))
      ready(c);
  }
  void publish(Conn *c, int ch, const string &p, bool) override {
    text(c, fmt("{\"id\":%u,\"method\":3,\"params\":{\"channel\":\"c%d\",\"data\":", c->nextid++, ch) + p + "}}");
  }
};
static Proto *proto;
static Proto *make(const string &n) {
  if (n == "hookbox")
    return new Hookbox;
  if (n == "raw")
    return new Raw;
  if (n == "socket.io")
    return new Sio;
  if (n == "nats")
    return new Nats;
  if (n == "nchan")
    return new Nchan;
  if (n == "centrifuge")
    return new Centrifuge;
  die("--proto: expected hookbox, raw, socket.io, nats, nchan or centrifuge, got %s", n.c_str());
  return nullptr;
}

// ---- receive path -----------------------------------------------------------------
static uint64_t rx_now;
static inline bool deliveries(const char *d, size_t n) { // every "@T<16 digits>" is one delivered message
  bool any = false;
  const char *e = d + n;
  while (d < e) {
    const char *p = (const char *)memmem(d, e - d, "@T", 2);
    if (!p || p + 18 > e)
      break;
    uint64_t t = 0;
    for (int i = 2; i < 18; i++)
      t = t * 10 + (p[i] - '0');
    uint64_t v = t * 100;
    hadd(rx_now > v ? rx_now - v : 0);
    n_delivered++;
    any = true;
    d = p + 18;
    if ((size_t)(e - d) > (size_t)o_size - 40)
      d += o_size - 40; // skip the padding
  }
  return any;
}
static void upgraded(Conn *c) {
  c->state = HELLO;
  proto->open(c);
}
static size_t consume(Conn *c, char *d, size_t n) { // returns bytes used
  size_t at = 0;
  if (c->state == UPGRADING) {
    char *p = (char *)memmem(d, n, "\r\n\r\n", 4);
    if (!p)
      return 0;
    if (n < 12 || memcmp(d + 9, "101", 3))
      die("upgrade refused: %.*s", 20, d);
    at = p + 4 - d;
    upgraded(c);
  }
  while (n - at >= 2) {
    unsigned char *h = (unsigned char *)d + at;
    size_t len = h[1] & 127, k = 2;
    if (len == 126) {
      if (n - at < 4)
        break;
      len = h[2] << 8 | h[3];
      k = 4;
    } else if (len == 127) {
      if (n - at < 10)
        break;
      len = 0;
      for (int i = 0; i < 8; i++)
        len = len << 8 | h[2 + i];
      k = 10;
    }
    if (n - at - k < len)
      break;
    char *p = d + at + k;
    int op = h[0] & 15;
    if (op == 9)
      frame(c, 10, p, len);
    else if (op == 8) {
      if (len >= 2)
        last_close = (unsigned char)p[0] << 8 | (unsigned char)p[1];
      c->state = DEAD;
      n_dead++;
      return n;
    } else if (op <= 2 && !(c->state == READY && !c->pub && deliveries(p, len)))
      proto->msg(c, op, p, len);
    at += k + len;
  }
  return at;
}
static char rbuf[1 << 22]; // a message may hold all that is in flight
static void readable(Conn *c) {
  size_t have = c->in.size();
  if (have)
    memcpy(rbuf, c->in.data(), have);
  if (have >= sizeof rbuf)
    die("frame larger than buffer");
  ssize_t n = recv(c->fd, rbuf + have, sizeof rbuf - have, 0);
  if (n <= 0) {
    if (n < 0 && errno == EAGAIN)
      return;
    if (c->state != DEAD) {
      c->state = DEAD;
      n_dead++;
    }
    close(c->fd);
    return;
  }
  rx_now = now_ns();
  n_rx++;
  size_t used = consume(c, rbuf, have + n);
  if (used < have + n)
    c->in.assign(rbuf + used, have + n - used);
  else if (have)
    c->in.clear();
  if (!c->out.empty())
    flush(c);
}
static void start(Conn *c) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0)
    die("socket: %s", strerror(errno));
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
  setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, 4);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(0x7f000000u | ((getpid() & 0xff) << 8) |
                            (2 + c->idx / 4000)); // own source address per run: no TIME_WAIT clash
  if (bind(fd, (sockaddr *)&a, sizeof a))
    die("bind: %s", strerror(errno));
  a.sin_port = htons(o_port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->fd = fd;
  int r = connect(fd, (sockaddr *)&a, sizeof a);
  if (r && errno != EINPROGRESS)
    die("connect: %s", strerror(errno));
  epoll_event e;
  e.events = EPOLLIN | EPOLLOUT;
  e.data.ptr = c;
  c->wantout = true;
  epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}
static void connected(Conn *c) {
  int err = 0;
  socklen_t l = 4;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
  if (err)
    die("connect: %s", strerror(err));
  {
    c->state = UPGRADING;
    string s = proto->sub();
    c->out = "GET " + proto->path(c) + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(o_port) +
             "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
             "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
             (s.empty() ? "" : "Sec-WebSocket-Protocol: " + s + "\r\n") + "\r\n";
  }
  flush(c);
}
static int timer_fd;
static bool poll_once(int ms) { // true when the timer fired
  static epoll_event ev[2048];
  int n = epoll_wait(ep, ev, 2048, ms);
  bool tick = false;
  for (int i = 0; i < n; i++) {
    Conn *c = (Conn *)ev[i].data.ptr;
    if (!c) {
      uint64_t x;
      if (read(timer_fd, &x, 8) == 8)
        tick = true;
      continue;
    }
    if (c->state == DEAD) {
      epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, nullptr);
      continue;
    }
    if (ev[i].events & EPOLLOUT) {
      if (c->state == CONNECTING)
        connected(c);
      else
        flush(c);
    }
    if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
      readable(c);
  }
  return tick;
}
static string payload(uint64_t t_ns) {
  string s = fmt("{\"t\":\"@T%016llu\",\"p\":\"", (unsigned long long)(t_ns / 100));
  s.append(o_size - s.size() - 2, 'x');
  return s + "\"}";
}
static double open_all(int total, int npub) { // returns seconds to have every client ready
  uint64_t t0 = now_ns(), deadline = t0 + (uint64_t)(o_deadline * 1e9);
  int started = 0;
  while ((int)n_ready < total) {
    while (started < total && started - (int)n_ready < o_conc) {
      Conn *c = new Conn;
      c->idx = started;
      c->pub = started < npub;
      c->chan = c->pub ? started % o_chans : (int)((int64_t)(started - npub) * o_each % o_chans);
      if (c->pub)
        pubv.push_back(c);
      conns.push_back(c);
      start(c);
      started++;
    }
    poll_once(100);
    if (now_ns() > deadline)
      die("only %llu of %d ready, %llu dead", (unsigned long long)n_ready, total, (unsigned long long)n_dead);
    if (n_dead)
      die("%llu connections died while connecting, the last with close code %d", (unsigned long long)n_dead, last_close);
  }
  return (now_ns() - t0) / 1e9;
}
static void idle(double s) {
  uint64_t e = now_ns() + (uint64_t)(s * 1e9);
  while (now_ns() < e)
    poll_once(20);
}

int main(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    string k = argv[i];
    const char *v = argv[i + 1];
    if (k == "--proto")
      o_proto = v;
    else if (k == "--mode")
      o_mode = v;
    else if (k == "--port")
      o_port = atoi(v);
    else if (k == "--subs")
      o_subs = atoi(v);
    else if (k == "--channels")
      o_chans = atoi(v);
    else if (k == "--pubs")
      o_pubs = atoi(v);
    else if (k == "--window")
      o_window = atoi(v);
    else if (k == "--size")
      o_size = atoi(v);
    else if (k == "--concurrency")
      o_conc = atoi(v);
    else if (k == "--duration")
      o_dur = atof(v);
    else if (k == "--warmup")
      o_warm = atof(v);
    else if (k == "--rate")
      o_rate = atof(v);
    else if (k == "--settle")
      o_settle = atof(v);
    else if (k == "--silent")
      o_silent = atof(v);
    else if (k == "--each")
      o_each = atoi(v);
    else if (k == "--fill")
      o_fill = atoi(v);
    else if (k == "--count")
      o_count = atoi(v);
    else if (k == "--told")
      o_told = atoi(v);
    else if (k == "--deadline")
      o_deadline = atof(v);
    else if (k == "--pid")
      o_pids = v;
    else if (k == "--redis-pid")
      o_redis = v;
    else
      die("unknown option %s", k.c_str());
  }
  for (size_t i = 0; i < o_pids.size();) {
    pids.push_back(atoi(o_pids.c_str() + i));
    size_t j = o_pids.find(',', i);
    if (j == string::npos)
      break;
    i = j + 1;
  }
  if (!o_redis.empty())
    redis.push_back(atoi(o_redis.c_str()));
  rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  proto = make(o_proto);
  ep = epoll_create1(0);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  epoll_event te;
  te.events = EPOLLIN;
  te.data.ptr = nullptr;
  epoll_ctl(ep, EPOLL_CTL_ADD, timer_fd, &te);

  if (o_mode == "connect") {
    int warm = 200;
    if (o_subs < 2 * warm)
      warm = 1;
    double d0 = open_all(warm, 0);
    (void)d0;
    idle(0.3);
    double r0 = rss_kb(), q0 = rss_kb(redis), c0 = cpu_s(), k0 = redis_s();
    double s = open_all(o_subs + warm, 0);
    double c1 = cpu_s(), k1 = redis_s();
    idle(o_settle);
    double r1 = rss_kb(), q1 = rss_kb(redis), c2 = cpu_s();
    idle(o_silent);
    double c3 = cpu_s();
    printf("{\"mode\":\"connect\",\"conns\":%d,\"seconds\":%.3f,\"per_s\":%.0f,\"cpu_us\":%.1f,\"redis_us\":%.1f,"
           "\"rss0_mb\":%.1f,\"rss1_mb\":%.1f,\"kb_per_conn\":%.2f,\"redis_kb_per_conn\":%.2f,\"silent_us\":%.1f,\"dead\":%llu}\n",
           o_subs, s, o_subs / s, (c1 - c0) * 1e6 / o_subs, (k1 - k0) * 1e6 / o_subs, r0 / 1024, r1 / 1024,
           (r1 - r0) / o_subs, (q1 - q0) / o_subs, (c3 - c2) * 1e6 / o_subs, (unsigned long long)n_dead);
    return 0;
  }
  if (o_mode == "ingest") {
    ack_wanted = true;
    open_all(o_pubs, o_pubs);
    idle(0.2);
    uint64_t t0 = now_ns(), tw = t0 + (uint64_t)(o_warm * 1e9), te2 = tw + (uint64_t)(o_dur * 1e9), a0 = 0, ts = 0;
    double c0 = 0, k0 = 0, g0 = 0;
    bool started = false;
    int asked = 0;
    for (;;) {
      uint64_t t = now_ns();
      if (!started && t >= tw) {
        started = true;
        ts = t;
        a0 = n_acks;
        c0 = cpu_s();
        k0 = redis_s();
        g0 = self_cpu();
      }
      if (t >= te2)
        break;
      if (o_count && n_acks >= (uint64_t)o_count)
        break;
      if (n_acks < (uint64_t)o_fill) { // the warm-up has not begun
        if (t - t0 > (uint64_t)(o_deadline * 1e9))
          die("only %llu of %d entries are in the history", (unsigned long long)n_acks, o_fill);
        tw = t + (uint64_t)(o_warm * 1e9);
        te2 = tw + (uint64_t)(o_dur * 1e9);
      }
      for (Conn *c : pubv) {
        if (c->outstanding > o_window / 2)
          continue;
        while (c->outstanding < o_window && (!o_count || asked < o_count)) {
          proto->publish(c, c->chan, payload(t), true);
          c->outstanding++;
          asked++;
        }
        flush(c);
      }
      poll_once(50);
    }
    double s = (now_ns() - ts) / 1e9, k = n_acks - a0, c1 = cpu_s(), k1 = redis_s(), g1 = self_cpu();
    if (o_count && n_acks != (uint64_t)o_count)
      die("%llu of %d publishes were acknowledged", (unsigned long long)n_acks, o_count);
    for (uint64_t e = now_ns() + 5000000000ull; n_acks < (uint64_t)asked && now_ns() < e;)
      poll_once(20);
    printf("{\"mode\":\"ingest\",\"pubs\":%d,\"window\":%d,\"msgs_per_s\":%.0f,\"cpu_us\":%.2f,\"redis_us\":%.2f,"
           "\"server_cpu\":%.2f,\"gen_cpu\":%.2f,\"rss_mb\":%.1f,\"lost\":%lld,\"dead\":%llu}\n",
           o_pubs, o_window, k / s, k ? (c1 - c0) * 1e6 / k : 0, k ? (k1 - k0) * 1e6 / k : 0, (c1 - c0) / s,
           (g1 - g0) / s, rss_kb() / 1024, (long long)asked - (long long)n_acks, (unsigned long long)n_dead);
    return 0;
  }
  if (o_mode == "join") {
    open_all(o_subs + o_pubs, o_pubs);
    // Who enters is told to all who are in. Many enter together, so that it is told together: one by one takes minutes.
    uint64_t end = now_ns() + (uint64_t)(o_deadline * 1e9);
    for (int i = 0; i < o_subs;) {
      for (int wave = 0; wave < 500 && i < o_subs; wave++, i++) {
        Conn *c = conns[o_pubs + i];
        proto->join(c, true);
        c->step = ENTERING;
        flush(c);
      }
      while ((int)n_members < i) {
        poll_once(20);
        if (n_dead || now_ns() > end)
          die("only %llu of %d entered, %llu dead, the last with close code %d", (unsigned long long)n_members, o_subs,
              (unsigned long long)n_dead, last_close);
      }
      for (uint64_t heard = ~n_told; heard != n_told;) { // until all have read it
        heard = n_told;
        idle(0.05);
      }
    }
    for (uint64_t asked = 0, t0 = now_ns(); n_acks < (uint64_t)o_fill;) {
      while (asked < (uint64_t)o_fill && asked - n_acks < (uint64_t)o_window) {
        proto->publish(pubv[0], pubv[0]->chan, payload(now_ns()), true);
        asked++;
      }
      flush(pubv[0]);
      poll_once(50);
      if (now_ns() - t0 > (uint64_t)(o_deadline * 1e9))
        die("only %llu of %d entries are in the history", (unsigned long long)n_acks, o_fill);
    }
    idle(o_settle);
    joining = true;
    n_told = 0;
    uint64_t asked = 0, each = o_told ? o_subs : 0; // how many were told of a join, or a leave
    uint64_t t0 = now_ns(), tw = t0 + (uint64_t)(o_warm * 1e9), te2 = tw + (uint64_t)(o_dur * 1e9), ts = t0, last = t0;
    uint64_t j0 = 0, m0 = 0, b0 = 0, lastj = 0;
    double c0 = 0, g0 = 0;
    bool started = false;
    for (;;) {
      uint64_t t = now_ns();
      if (!started && t >= tw) {
        started = true;
        ts = t;
        j0 = n_joined;
        m0 = n_told;
        b0 = n_answer;
        c0 = cpu_s();
        g0 = self_cpu();
        memset(hist, 0, sizeof hist);
        hcount = 0;
      }
      if (t >= te2)
        break;
      if (n_joined + n_told != lastj) {
        lastj = n_joined + n_told;
        last = t;
      } else if (t - last > 5000000000ull)
        die("stalled: %llu joined, %llu left, members were told %llu of %llu", (unsigned long long)n_joined,
            (unsigned long long)n_left, (unsigned long long)n_told, (unsigned long long)(asked * each));
      for (Conn *c : pubv) {
        if ((c->step != OUTSIDE && c->step != INSIDE) || asked * each - n_told >= o_pubs * each + !each)
          continue; // who was told of the one before is told of the next
        proto->join(c, c->step == OUTSIDE);
        c->step++;
        asked++;
        flush(c);
      }
      poll_once(20);
    }
    double s = (now_ns() - ts) / 1e9, cpu = cpu_s() - c0, g1 = self_cpu();
    double k = n_joined - j0, m = n_told - m0, kb = (n_answer - b0) / 1024.0;
    for (uint64_t e = now_ns() + 5000000000ull; n_told < asked * each && now_ns() < e;)
      poll_once(20);
    printf("{\"mode\":\"join\",\"members\":%d,\"joins_per_s\":%.1f,\"cpu_us\":%.1f,\"told_per_s\":%.0f,\"cpu_us_told\":%.3f,"
           "\"answer_kb\":%.2f,\"cpu_us_kb\":%.2f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"server_cpu\":%.2f,\"gen_cpu\":%.2f,"
           "\"rss_mb\":%.1f,\"lost\":%lld,\"dead\":%llu}\n",
           o_subs, k / s, k ? cpu * 1e6 / k : 0, m / s, m ? cpu * 1e6 / m : 0, k ? kb / k : 0, kb ? cpu * 1e6 / kb : 0,
           hq(.5) / 1e3, hq(.99) / 1e3, cpu / s, (g1 - g0) / s, rss_kb() / 1024, (long long)(asked * each - n_told),
           (unsigned long long)n_dead);
    return 0;
  }
  // fanout
  if (o_proto == "nchan")
    o_pubs = o_chans; // an nchan publisher socket is bound to its channel
  open_all(o_subs + o_pubs, o_pubs);
  idle(o_settle);
  uint64_t per = (uint64_t)o_subs * o_each / o_chans, published = 0;
  n_delivered = 0; // every channel has the same number of subscribers
  uint64_t t0 = now_ns(), tw = t0 + (uint64_t)(o_warm * 1e9), te2 = tw + (uint64_t)(o_dur * 1e9), d0 = 0, p0 = 0,
           ts = t0, x0 = 0;
  double c0 = 0, k0 = 0, g0 = 0;
  bool started = false;
  uint64_t due = t0, step = o_rate > 0 ? (uint64_t)(1e9 / o_rate) : 0;
  uint64_t last = t0, lastd = 0;
  for (;;) {
    uint64_t t = now_ns();
    if (!started && t >= tw) {
      started = true;
      ts = t;
      d0 = n_delivered;
      p0 = published;
      c0 = cpu_s();
      k0 = redis_s();
      g0 = self_cpu();
      x0 = n_rx;
      memset(hist, 0, sizeof hist);
      hcount = 0;
    }
    if (t >= te2)
      break;
    if (n_delivered != lastd) {
      lastd = n_delivered;
      last = t;
    } else if (t - last > 5000000000ull && published)
      die("stalled: published %llu delivered %llu", (unsigned long long)published, (unsigned long long)n_delivered);
    int k = 0;
    if (step) {
      while (due <= t && k < 4096) {
        Conn *c = pubv[published % pubv.size()];
        proto->publish(c, o_proto == "nchan" ? c->chan : (int)(published % o_chans), payload(due), false);
        published++;
        due += step;
        k++;
        if (pubv.size() > 1)
          flush(c);
      }
      itimerspec it{};
      it.it_value.tv_sec = due / 1000000000ull;
      it.it_value.tv_nsec = due % 1000000000ull;
      timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &it, nullptr);
    } else if (published * per - n_delivered <= (uint64_t)o_window * per - per) {
      while ((published * per - n_delivered) < (uint64_t)o_window * per) {
        Conn *c = pubv[published % pubv.size()];
        proto->publish(c, o_proto == "nchan" ? c->chan : (int)(published % o_chans), payload(now_ns()), false);
        published++;
        if (pubv.size() > 1)
          flush(c);
      }
    }
    if (pubv.size() == 1 && !pubv[0]->out.empty())
      flush(pubv[0]);
    poll_once(20);
  }
  double s = (now_ns() - ts) / 1e9, c1 = cpu_s(), k1 = redis_s(), g1 = self_cpu();
  uint64_t d1 = n_delivered, p1 = published, x1 = n_rx;
  double p50 = hq(.5) / 1e3, p99 = hq(.99) / 1e3, pm = hq(.999) / 1e3;
  uint64_t e = now_ns() + 5000000000ull;
  while (n_delivered < published * per && now_ns() < e)
    poll_once(20);
  double nd = d1 - d0;
  printf("{\"mode\":\"fanout\",\"subs\":%d,\"channels\":%d,\"window\":%d,\"rate\":%.0f,\"pub_per_s\":%.0f,\"deliveries_"
         "per_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,\"cpu_us\":%.3f,\"redis_us\":%.3f,\"mb_per_s\":%.1f,\"cpu_us_kb\":%.3f,\"server_cpu\":%.2f,\"gen_"
         "cpu\":%.2f,\"msgs_per_recv\":%.2f,\"rss_mb\":%.1f,\"lost\":%lld,\"dead\":%llu}\n",
         o_subs, o_chans, o_window, o_rate, (p1 - p0) / s, nd / s, p50, p99, pm, nd ? (c1 - c0) * 1e6 / nd : 0, nd ? (k1 - k0) * 1e6 / nd : 0,
         nd * o_size / s / 1e6, nd ? (c1 - c0) * 1e6 / nd / o_size * 1000 : 0, (c1 - c0) / s, (g1 - g0) / s, x1 > x0 ? nd / (x1 - x0) : 0, rss_kb() / 1024,
         (long long)(published * per - n_delivered), (unsigned long long)n_dead);
  return 0;
}
