// SPDX-License-Identifier: Apache-2.0

// What the figures of calls are measured against, in one file without a build of its own:
//   peer serve                           a server on loopback that answers 204; below /wait it never answers. Prints `port: N`
//   peer load URL IN_FLIGHT SECONDS      as many calls as libcurl makes from C, over curl_multi_socket_action. Prints calls/s
//   peer post PORT SENDERS FILE          sends the requests of FILE (each behind its length, 4 bytes) over so many kept
//                                        connections, one at a time on each. Prints requests/s and how many were 202
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
    fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int plainSocket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void watch(int epoll, int op, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, op, fd, &event)) die("epoll_ctl");
}

// MARK: serve

enum { ROOM = 8192 };
typedef struct { int have; char bytes[ROOM]; } Buffer;
static Buffer *buffers[65536];

// Takes whole requests off the front; how many of them want an answer.
static int takeRequests(Buffer *buffer) {
    int answers = 0;
    for (;;) {
        char *end = memmem(buffer->bytes, buffer->have, "\r\n\r\n", 4);
        if (!end) return answers;
        char saved = *end;
        *end = 0;
        char *length = strcasestr(buffer->bytes, "\r\ncontent-length:");
        int whole = (int)(end - buffer->bytes) + 4 + (length ? atoi(length + 17) : 0);
        int waits = strstr(buffer->bytes, " /wait") != NULL;
        *end = saved;
        if (whole > buffer->have) return answers;
        buffer->have -= whole;
        memmove(buffer->bytes, buffer->bytes + whole, buffer->have);
        if (!waits) answers++;
    }
}

static void serve(void) {
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    int listener = plainSocket(), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("port: %d\n", ntohs(address.sin_port));
    fflush(stdout);
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC), yes = 1;
                if (peer < 0 || peer >= 65536) continue;
                setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                if (!buffers[peer] && !(buffers[peer] = malloc(sizeof(Buffer)))) die("malloc");
                buffers[peer]->have = 0;
                watch(epoll, EPOLL_CTL_ADD, peer, EPOLLIN);
                continue;
            }
            Buffer *buffer = buffers[fd];
            ssize_t got = recv(fd, buffer->bytes + buffer->have, ROOM - 1 - buffer->have, 0);
            if (got <= 0) {
                close(fd);
                continue;
            }
            buffer->have += (int)got;
            for (int left = takeRequests(buffer); left > 0; left--)
                if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) break;
        }
    }
}

// MARK: load

static int epollOfCurl;
static long timeoutOfCurl = -1;

static int onSocket(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
    (void)easy;
    CURLM *multi = context;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epollOfCurl, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    watch(epollOfCurl, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events);
    if (!known) curl_multi_assign(multi, fd, &epollOfCurl);
    return 0;
}

static int onTimer(CURLM *multi, long milliseconds, void *context) {
    (void)multi, (void)context;
    timeoutOfCurl = milliseconds;
    return 0;
}

static size_t drop(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes, (void)context;
    return size * count;
}

static void load(const char *url, int inFlight, double lasting) {
    epollOfCurl = epoll_create1(EPOLL_CLOEXEC);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, onSocket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, onTimer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)inFlight);
    struct curl_slist *headers = curl_slist_append(NULL, "authorization: Bearer of-the-benchmark");
    headers = curl_slist_append(headers, "content-type: application/json");
    for (int i = 0; i < inFlight; i++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{\"active\":false}");
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
        curl_multi_add_handle(multi, easy);
    }
    int running = 0;
    long done = 0, failed = 0;
    double began = seconds(), end = began + lasting;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    while (seconds() < end) {
        struct epoll_event events[256];
        int count = epoll_wait(epollOfCurl, events, 256, timeoutOfCurl < 0 ? 1000 : (int)timeoutOfCurl);
        if (count == 0) curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        for (int i = 0; i < count; i++) {
            int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0)
                | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                | (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(multi, events[i].data.fd, mask, &running);
        }
        CURLMsg *message;
        int left;
        while ((message = curl_multi_info_read(multi, &left))) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL *easy = message->easy_handle;
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (message->data.result == CURLE_OK && status == 204) done++; else failed++;
            curl_multi_remove_handle(multi, easy);
            curl_multi_add_handle(multi, easy);
        }
    }
    if (failed) fprintf(stderr, "peer: %ld calls failed\n", failed);
    printf("%.1f\n", done / (seconds() - began));
    exit(failed ? 1 : 0);
}

// MARK: post

static char *requests;
static long requestsEnd, nextRequest;
static long accepted, answered;

// Writes the next request whole; false when there is none left.
static int sendNext(int fd) {
    if (nextRequest >= requestsEnd) return 0;
    uint32_t length;
    memcpy(&length, requests + nextRequest, 4);
    char *at = requests + nextRequest + 4;
    nextRequest += 4 + length;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent < 0) die("send");
        at += sent;
        length -= (uint32_t)sent;
    }
    return 1;
}

static void post(int port, int senders, const char *file) {
    int fd = open(file, O_RDONLY | O_CLOEXEC), epoll = epoll_create1(EPOLL_CLOEXEC), open = 0;
    struct stat status;
    if (fd < 0 || fstat(fd, &status)) die(file);
    requestsEnd = status.st_size;
    if (!(requests = malloc(requestsEnd))) die("malloc");
    for (long have = 0; have < requestsEnd;) {
        ssize_t got = read(fd, requests + have, requestsEnd - have);
        if (got <= 0) die(file);
        have += got;
    }
    double began = seconds();
    for (int i = 0; i < senders; i++) {
        int peer = plainSocket();
        struct sockaddr_in address = loopback(port);
        if (connect(peer, (struct sockaddr *)&address, sizeof address)) die("connect");
        if (!(buffers[peer] = calloc(1, sizeof(Buffer)))) die("malloc");
        watch(epoll, EPOLL_CTL_ADD, peer, EPOLLIN);
        if (sendNext(peer)) open++;
    }
    struct epoll_event events[256];
    while (open > 0) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int peer = events[i].data.fd;
            Buffer *buffer = buffers[peer];
            ssize_t got = recv(peer, buffer->bytes + buffer->have, ROOM - 1 - buffer->have, 0);
            if (got <= 0) die("the server closed a connection");
            buffer->have += (int)got;
            int isAccepted = buffer->have > 12 && !memcmp(buffer->bytes + 9, "202", 3);
            if (!takeRequests(buffer)) continue;
            answered++;
            accepted += isAccepted;
            if (!sendNext(peer)) open--;
        }
    }
    printf("%.1f %ld %ld\n", answered / (seconds() - began), accepted, answered);
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "serve")) serve();
    else if (count == 5 && !strcmp(words[1], "load")) load(words[2], atoi(words[3]), atof(words[4]));
    else if (count == 5 && !strcmp(words[1], "post")) post(atoi(words[2]), atoi(words[3]), words[4]);
    else {
        fprintf(stderr, "usage: peer serve | peer load URL IN_FLIGHT SECONDS | peer post PORT SENDERS FILE\n");
        return 2;
    }
    return 0;
}
