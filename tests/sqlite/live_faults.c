/*
 * Preloaded into a process of test_sqlite_live_storm.py: the n-th call that
 * changes a file kills the process, or fails. Counts write, pwrite, ftruncate,
 * fsync, fdatasync and unlink between fault_arm() and fault_disarm().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

enum { FAULT_NONE, FAULT_DIE, FAULT_TEAR, FAULT_FULL, FAULT_BROKEN };

/* What a call is to do. */
enum { PASS, FAIL, HALF };

static int armed;       /* FAULT_*: what happens */
static long left;       /* calls until it does */
static int struck;      /* it has happened */
static int full_next;   /* a short write came before: the rest finds no room */

void fault_arm(int n, int action);
int fault_disarm(void);

/* From now on, the n-th change is struck. */
void fault_arm(int n, int action)
{
    left = n;
    struck = 0;
    full_next = 0;
    armed = action;
}

/* Stops it; whether it has struck. */
int fault_disarm(void)
{
    armed = FAULT_NONE;
    return struck;
}

static int die(void)
{
    kill(getpid(), SIGKILL);
    return PASS;
}

static int change(int writes)
{
    if (armed == FAULT_NONE) {
        return PASS;
    }
    if (full_next && writes) {
        full_next = 0;
        errno = ENOSPC;
        return FAIL;
    }
    if (struck && armed == FAULT_BROKEN) {
        errno = EIO;
        return FAIL;
    }
    if (struck || --left > 0) {
        return PASS;
    }
    struck = 1;
    switch (armed) {
    case FAULT_DIE:
        return die();
    case FAULT_TEAR:
        return writes ? HALF : die();
    case FAULT_FULL:
        /* a full disk takes a part of the write; only writes can find it full */
        full_next = writes;
        return writes ? HALF : PASS;
    default:
        errno = EIO;
        return FAIL;
    }
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (next == NULL) { \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    }

#define POSITIONED(name, offset_type) \
    ssize_t name(int fd, const void *data, size_t size, offset_type at) \
    { \
        NEXT(name) \
        int todo = change(1); \
        if (todo == FAIL) { \
            return -1; \
        } \
        ssize_t done = next(fd, data, todo == HALF ? (size + 1) / 2 : size, at); \
        if (todo == HALF && armed == FAULT_TEAR) { \
            die(); \
        } \
        return done; \
    }

#define TRUNCATING(name, offset_type) \
    int name(int fd, offset_type size) \
    { \
        NEXT(name) \
        return change(0) == FAIL ? -1 : next(fd, size); \
    }

POSITIONED(pwrite, off_t)
POSITIONED(pwrite64, off64_t)
TRUNCATING(ftruncate, off_t)
TRUNCATING(ftruncate64, off64_t)

ssize_t write(int fd, const void *data, size_t size)
{
    NEXT(write)
    int todo = change(1);
    if (todo == FAIL) {
        return -1;
    }
    ssize_t done = next(fd, data, todo == HALF ? (size + 1) / 2 : size);
    if (todo == HALF && armed == FAULT_TEAR) {
        die();
    }
    return done;
}

/* Killed processes lose nothing that the kernel has: no need to wait for the disk. */
int fsync(int fd)
{
    (void)fd;
    return change(0) == FAIL ? -1 : 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return change(0) == FAIL ? -1 : 0;
}

int unlink(const char *path)
{
    NEXT(unlink)
    return change(0) == FAIL ? -1 : next(path);
}
