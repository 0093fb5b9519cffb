/* Starts one command in an exactly described state and tells what becomes of it.
 *
 *     launch REPORT [OPTION]... -- COMMAND [ARG]...
 *
 * REPORT is a FIFO that the test reads. One line each:
 *
 *     pid N              the command has been started
 *     stopped S          as waitid(2) tells a parent, like a shell's `Stopped`
 *     continued
 *     exited N USER_MS   the exit code, and the CPU time that its parent is told of
 *     killed S USER_MS
 *     dumped S USER_MS   killed, and the core was dumped
 *
 * launch plays the shell: it leads a session of its own, and the command leads a process group of its
 * own in it, in the foreground if there is a terminal. Every signal is default and unblocked, and only
 * the descriptors 0 to 2 are open, unless an option says otherwise. Options act in the order given.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int report = -1;

static void tell(const char *format, ...) {
    char line[128];
    va_list words;
    va_start(words, format);
    int length = vsnprintf(line, sizeof line, format, words);
    va_end(words);
    if (write(report, line, (size_t)length) < 0) {
        /* The test has gone; the poll below says so, too. */
    }
}

static void fail(const char *what) {
    fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
    _exit(125);
}

struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

/* glibc hides the signals 32 and 33; a test must not inherit even those. */
static void set_disposition(int signal, void (*handler)(int)) {
    struct kernel_action action = {.handler = handler};
    syscall(SYS_rt_sigaction, signal, &action, NULL, 8);
}

static void set_mask(unsigned long mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8); }

static unsigned long blocked;

/* The system calls that fail, as in a sandbox (seccomp(2)): for each a comparison, and what is returned if it holds. */
static struct sock_filter refusals[2 * 16 + 2];
static unsigned short refusal_count;

static void refuse(unsigned call, unsigned error) {
    struct sock_filter load = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    struct sock_filter compare = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    struct sock_filter fail = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
    if (!refusal_count) refusals[refusal_count++] = load;
    refusals[refusal_count++] = compare;
    refusals[refusal_count++] = fail;
}

static void start_refusing(void) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (!refusal_count) return;
    refusals[refusal_count++] = allow;
    struct sock_fprog program = {.len = refusal_count, .filter = refusals};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) fail("seccomp");
}

static void move_to(int from, int to) {
    if (from < 0) fail("open");
    if (from == to) return;
    if (dup2(from, to) < 0) fail("dup2");
    close(from);
}

static int option(char **word) {
    const char *name = word[0], *value = word[1];
    if (!strcmp(name, "--ignore")) {
        set_disposition(atoi(value), SIG_IGN);
    } else if (!strcmp(name, "--block")) {
        blocked |= 1UL << (atoi(value) - 1);
    } else if (!strcmp(name, "--pending")) {
        blocked |= 1UL << (atoi(value) - 1);
        set_mask(blocked);
        kill(getpid(), atoi(value));
    } else if (!strcmp(name, "--alarm-ms")) {
        struct itimerval when = {.it_value = {.tv_sec = atoi(value) / 1000, .tv_usec = atoi(value) % 1000 * 1000}};
        setitimer(ITIMER_REAL, &when, NULL);
    } else if (!strcmp(name, "--close")) {
        close(atoi(value));
    } else if (!strcmp(name, "--read") || !strcmp(name, "--write")) { /* FD:PATH */
        const char *path = strchr(value, ':') + 1;
        int flags = name[2] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
        move_to(open(path, flags, 0600), atoi(value));
    } else if (!strcmp(name, "--dup")) { /* FROM:TO */
        if (dup2(atoi(value), atoi(strchr(value, ':') + 1)) < 0) fail("dup2");
    } else if (!strcmp(name, "--broken-pipe")) { /* FD: a pipe nobody reads */
        int ends[2];
        if (pipe(ends)) fail("pipe");
        close(ends[0]);
        move_to(ends[1], atoi(value));
    } else if (!strcmp(name, "--limit")) { /* RESOURCE:SOFT, or as much as is allowed: max */
        struct rlimit limit;
        getrlimit(atoi(value), &limit);
        const char *soft = strchr(value, ':') + 1;
        limit.rlim_cur = strcmp(soft, "max") ? strtoul(soft, NULL, 10) : limit.rlim_max;
        if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
        if (setrlimit(atoi(value), &limit)) fail("setrlimit");
    } else if (!strcmp(name, "--umask")) {
        umask((mode_t)strtol(value, NULL, 8));
    } else if (!strcmp(name, "--nice")) { /* So much nicer: who is nice already may not be less so. */
        errno = 0;
        if (nice(atoi(value)) == -1 && errno) fail("nice");
    } else if (!strcmp(name, "--batch")) {
        struct sched_param none = {0};
        if (sched_setscheduler(0, SCHED_BATCH, &none)) fail("sched_setscheduler");
    } else if (!strcmp(name, "--oom")) {
        FILE *file = fopen("/proc/self/oom_score_adj", "w");
        if (!file || fputs(value, file) < 0 || fclose(file)) fail("oom_score_adj");
    } else if (!strcmp(name, "--user")) {
        if (setgid((gid_t)atoi(value)) || setuid((uid_t)atoi(value))) fail("setuid");
    } else if (!strcmp(name, "--dies-with-parent")) {
        prctl(PR_SET_PDEATHSIG, atoi(value));
    } else if (!strcmp(name, "--lock")) { /* FD: a POSIX lock, which a close by its owner would drop */
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(atoi(value), F_SETLK, &lock)) fail("F_SETLK");
    } else if (!strcmp(name, "--child-exits")) {
        /* Waits until the child is a zombie, so that the command really inherits one. */
        pid_t child = fork();
        if (!child) _exit(atoi(value));
        siginfo_t info;
        waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    } else if (!strcmp(name, "--child-stays")) {
        /* It holds no descriptor that a test waits on. */
        int tied[2];
        char byte;
        if (pipe2(tied, O_CLOEXEC)) fail("pipe");
        if (!fork()) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            syscall(SYS_close_range, 0, ~0U, 0);
            for (;;) pause();
        }
        close(tied[1]);
        if (read(tied[0], &byte, 1)) fail("read");
        close(tied[0]);
    } else if (!strcmp(name, "--refuse")) { /* CALL:ERRNO; in force from the command's start */
        refuse((unsigned)atoi(value), (unsigned)atoi(strchr(value, ':') + 1));
    } else if (!strcmp(name, "--chdir")) {
        if (chdir(value)) fail("chdir");
    } else if (!strcmp(name, "--env")) {
        /* The environment byte for byte: no library puts it in order. */
        static char *list[64];
        static int length;
        list[length++] = word[1];
        environ = list;
    } else {
        return 0;
    }
    return 1;
}

int main(int count, char **words) {
    if (count < 4) return 125;
    int at = 2, session = 0, same_group = 0;
    const char *tty = NULL;
    for (; at + 1 < count && strcmp(words[at], "--"); at += 2) {
        if (!strcmp(words[at], "--tty")) tty = words[at + 1];
        if (!strcmp(words[at], "--leads-session")) session = 1;
        if (!strcmp(words[at], "--joins-launcher")) same_group = 1;
    }
    char **command = words + at + 1;

    for (int signal = 1; signal <= 64; signal++) set_disposition(signal, SIG_DFL);
    syscall(SYS_close_range, 3, ~0U, 0);
    setsid();
    report = open(words[1], O_WRONLY | O_CLOEXEC);
    if (report < 0) fail(words[1]);
    /* Out of the way of the descriptors that a test may ask for. */
    int high = fcntl(report, F_DUPFD_CLOEXEC, 100);
    close(report);
    report = high;

    int go[2];
    if (pipe2(go, O_CLOEXEC)) fail("pipe");
    int terminal = -1;
    if (tty && !session) {
        terminal = open(tty, O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0)) fail(tty);
    }
    set_mask(~0UL);

    pid_t child = fork();
    if (child < 0) fail("fork");
    if (!child) {
        char byte;
        close(go[1]);
        if (read(go[0], &byte, 1) != 1) _exit(125);
        close(go[0]);
        if (session) setsid();
        if (tty) {
            int fd = open(tty, O_RDWR | O_NOCTTY);
            if (fd < 0) fail(tty);
            if (session && ioctl(fd, TIOCSCTTY, 0)) fail("TIOCSCTTY");
            for (int to = 0; to < 3; to++) dup2(fd, to);
            if (fd > 2) close(fd);
        }
        for (int word = 2; word < at; word += 2) {
            if (!option(words + word) && strcmp(words[word], "--tty") && strcmp(words[word], "--leads-session") &&
                strcmp(words[word], "--joins-launcher")) {
                errno = EINVAL;
                fail(words[word]);
            }
        }
        set_mask(blocked);
        start_refusing();
        execvp(command[0], command);
        int why = errno;
        dprintf(2, "launch: %s: %s\n", command[0], strerror(why));
        _exit(why == ENOENT ? 127 : 126);
    }
    if (!session && !same_group) setpgid(child, child);
    if (terminal >= 0) tcsetpgrp(terminal, child);
    tell("pid %d\n", child);
    if (write(go[1], "g", 1) != 1) fail("go");
    /* Nobody may take this process for a holder of the command's pipes. */
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);

    unsigned long only_chld = 1UL << (SIGCHLD - 1);
    int chld = (int)syscall(SYS_signalfd4, -1, &only_chld, 8, SFD_CLOEXEC | SFD_NONBLOCK);
    for (;;) {
        struct signalfd_siginfo drained;
        while (read(chld, &drained, sizeof drained) > 0) {
        }
        for (;;) {
            siginfo_t info = {0};
            struct rusage usage;
            if (syscall(SYS_waitid, P_PID, child, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG, &usage)) return 0;
            if (!info.si_pid) break;
            long ms = usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000;
            if (info.si_code == CLD_STOPPED) {
                tell("stopped %d\n", info.si_status);
            } else if (info.si_code == CLD_CONTINUED) {
                tell("continued\n");
            } else {
                const char *how = info.si_code == CLD_EXITED ? "exited" : info.si_code == CLD_DUMPED ? "dumped" : "killed";
                tell("%s %d %ld\n", how, info.si_status, ms);
                return 0;
            }
        }
        struct pollfd both[2] = {{.fd = chld, .events = POLLIN}, {.fd = report, .events = 0}};
        if (poll(both, 2, -1) > 0 && both[1].revents) {
            /* The test is over, or gone. */
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            return 0;
        }
    }
}
