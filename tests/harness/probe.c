/* A command that can tell exactly what it was given and what reached it. See main() for what it does. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct kernel_action {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

#define KERNEL_SA_RESTORER 0x04000000UL
#if defined __x86_64__
__asm__(".text\nrestore_frame:\n mov $15, %rax\n syscall\n");
extern void restore_frame(void);
#endif

static unsigned long bit(int signal) { return 1UL << (signal - 1); }

static void set_mask(unsigned long mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8); }

/* glibc refuses 32 and 33, which a command may use as well as any other. */
static void handle(int signal, void *handler, unsigned long flags) {
    struct kernel_action action = {.handler = handler, .flags = flags, .mask = ~0UL};
#if defined __x86_64__
    action.flags |= KERNEL_SA_RESTORER;
    action.restorer = restore_frame;
#endif
    syscall(SYS_rt_sigaction, signal, &action, NULL, 8);
}

static int number(const char *text) { return text ? atoi(text) : 0; }

/* ---- state ---- */

static void hex(const char *name, const char *bytes) {
    printf("%s ", name);
    for (const unsigned char *byte = (const unsigned char *)bytes; *byte; byte++) printf("%02x", *byte);
    putchar('\n');
}

static void lines_of(const char *path, const char *const *wanted) {
    FILE *file = fopen(path, "r");
    char line[512];
    while (file && fgets(line, sizeof line, file))
        for (const char *const *name = wanted; *name; name++)
            if (!strncmp(line, *name, strlen(*name))) fputs(line, stdout);
    if (file) fclose(file);
}

static void descriptors(FILE *to) {
    for (int fd = 0; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0) continue;
        char name[64], path[512];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(name, path, sizeof path - 1);
        path[length < 0 ? 0 : length] = 0;
        char *number_of_pipe = strchr(path, '[');
        if (number_of_pipe) *number_of_pipe = 0;
        fprintf(to, "fd %d %s flags=%o cloexec=%d at=%ld\n", fd, path, flags, fcntl(fd, F_GETFD),
                (long)lseek(fd, 0, SEEK_CUR));
    }
}

/* With a file: the state goes there, for a command whose descriptors are what is looked at. */
static int state(int count, char **words) {
    if (count > 2 && words[2][0] == '/') {
        char table[16384] = "";
        FILE *memory = fmemopen(table, sizeof table, "w");
        descriptors(memory);
        fclose(memory);
        if (!freopen(words[2], "w", stdout)) return 1;
        fputs(table, stdout);
    } else {
        descriptors(stdout);
    }
    const char *const status[] = {"Umask", "Uid", "Gid", "Groups", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt",
                                  "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp:",
                                  "Speculation", "THP_enabled", "Cpus_allowed:", "Mems_allowed:", "CoreDumping",
                                  "Threads", NULL};
    lines_of("/proc/self/status", status);
    for (int resource = 0; resource < RLIMIT_NLIMITS; resource++) {
        struct rlimit limit;
        getrlimit(resource, &limit);
        printf("limit %d %lu %lu\n", resource, (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    }
    const char *const whole[] = {"", NULL};
    fputs("oom ", stdout);
    lines_of("/proc/self/oom_score_adj", whole);
    fputs("cgroup ", stdout);
    lines_of("/proc/self/cgroup", whole);
    struct sched_param parameters;
    sched_getparam(0, &parameters);
    printf("scheduler %d %d nice %d\n", sched_getscheduler(0), parameters.sched_priority, getpriority(PRIO_PROCESS, 0));
    printf("io %ld\n", syscall(SYS_ioprio_get, 1, 0));
    printf("securebits %d keepcaps %d dumpable %d slack %d reaper", prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS),
           prctl(PR_GET_DUMPABLE), prctl(PR_GET_TIMERSLACK));
    int reaper = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    printf(" %d\n", reaper);
    const char *const namespaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", "time", NULL};
    for (const char *const *name = namespaces; *name; name++) {
        char path[64], link[128];
        snprintf(path, sizeof path, "/proc/self/ns/%s", *name);
        ssize_t length = readlink(path, link, sizeof link - 1);
        link[length < 0 ? 0 : length] = 0;
        printf("namespace %s\n", link);
    }
    stack_t stack = {0};
    sigaltstack(NULL, &stack);
    printf("altstack %d\n", stack.ss_flags);
    for (int timer = 1; timer < 3; timer++) {
        struct itimerval value;
        getitimer(timer, &value);
        printf("timer %d %ld\n", timer, (long)value.it_value.tv_sec);
    }
    char cwd[4096];
    hex("cwd", getcwd(cwd, sizeof cwd) ? cwd : "?");
    printf("session %d\ngroup %d\n", getsid(0), getpgrp());
    for (char **word = words; *word; word++) hex("word", *word);
    for (char **variable = environ; *variable; variable++) hex("environment", *variable);
    fflush(stdout);
    return 0;
}

/* ---- signals ---- */

static void die(int signal) {
    handle(signal, SIG_DFL, 0);
    set_mask(0);
    kill(getpid(), signal);
    for (;;) pause();
}

static char *put(char *to, const char *text) {
    while (*text) *to++ = *text++;
    return to;
}

static char *put_number(char *to, long value) {
    char digits[24];
    int length = 0;
    if (value < 0) {
        *to++ = '-';
        value = -value;
    }
    do digits[length++] = (char)('0' + value % 10);
    while (value /= 10);
    while (length) *to++ = digits[--length];
    return to;
}

static int tell_on = 1;

/* Signal 63 with a value ends us: with that exit code, or from 1000 on, by that signal. */
static void told(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (signal == 63 && info->si_code == SI_QUEUE) {
        int value = info->si_value.sival_int;
        if (value < 1000) _exit(value);
        die(value - 1000);
    }
    char line[128], *end = put(line, "signal ");
    end = put_number(end, signal);
    if (info->si_code == SI_QUEUE) {
        end = put(end, " value ");
        end = put_number(end, info->si_value.sival_int);
    }
    struct winsize size;
    if (signal == SIGWINCH && !ioctl(0, TIOCGWINSZ, &size)) {
        end = put(end, " size ");
        end = put_number(end, size.ws_row);
        end = put(end, "x");
        end = put_number(end, size.ws_col);
    }
    *end++ = '\n';
    int saved = errno;
    if (write(tell_on, line, (size_t)(end - line)) < 0) _exit(99);
    errno = saved;
}

static void report_ready(void) {
    char line[64], *end = put(line, "ready ");
    end = put_number(end, getpid());
    *end++ = '\n';
    if (write(tell_on, line, (size_t)(end - line)) < 0) _exit(99);
}

/* signals [default=SIG]... [ignore=SIG]... [exit-on=SIG:CODE]... [read] [to=FIFO] [own-group] */
static int exit_on[65];

static void told_or_ends(int signal, siginfo_t *info, void *context) {
    if (info->si_code != SI_QUEUE && exit_on[signal]) {
        told(signal, info, context);
        _exit(exit_on[signal] - 1);
    }
    told(signal, info, context);
}

static int signals(int count, char **words) {
    int reads = 0;
    for (int signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP) handle(signal, (void *)told_or_ends, SA_SIGINFO | SA_RESTART);
    for (int word = 2; word < count; word++) {
        char *value = strchr(words[word], '=');
        value = value ? value + 1 : "";
        if (!strncmp(words[word], "default=", 8)) handle(number(value), SIG_DFL, 0);
        if (!strncmp(words[word], "ignore=", 7)) handle(number(value), SIG_IGN, 0);
        if (!strncmp(words[word], "exit-on=", 8)) exit_on[number(value)] = number(strchr(value, ':') + 1) + 1;
        if (!strncmp(words[word], "to=", 3)) tell_on = open(value, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (!strcmp(words[word], "own-group")) setpgid(0, 0);
        if (!strcmp(words[word], "read")) reads = 1;
    }
    set_mask(0);
    report_ready();
    if (!reads)
        for (;;) pause();
    for (;;) {
        /* One write for a line: on a terminal others write, too. */
        char line[256], text[300];
        ssize_t length = read(0, line, sizeof line - 1);
        if (length <= 0) return 0;
        line[length] = 0;
        if (!strncmp(line, "exit ", 5)) _exit(number(line + 5));
        if (!strncmp(line, "kill 0 ", 7)) {
            /* A child does it. It stays a zombie, so that /proc tells whose child it was. */
            if (!fork()) {
                handle(number(line + 7), SIG_IGN, 0);
                kill(0, number(line + 7));
                _exit(0);
            }
            continue;
        }
        int size = snprintf(text, sizeof text, "read <%.*s>\n", (int)(length - 1), line);
        if (write(tell_on, text, (size_t)size) < 0) return 1;
    }
}

/* ---- the rest ---- */

static int queue(int pid, int signal, int value) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    return syscall(SYS_rt_sigqueueinfo, pid, signal, &info) ? 1 : 0;
}

static int terminal(void) {
    char ours[64] = "?";
    for (int fd = 0; fd < 3; fd++) printf("isatty %d %s\n", isatty(fd), ttyname(fd));
    int tty = open("/dev/tty", O_RDWR);
    if (tty >= 0) snprintf(ours, sizeof ours, "%d", tcgetsid(tty) == getsid(0));
    printf("tty %s foreground %d\n", ours, tcgetpgrp(0) == getpgrp());
    return 0;
}

static struct termios cooked;

static void raw(void) {
    struct termios now;
    tcgetattr(0, &cooked);
    now = cooked;
    cfmakeraw(&now);
    tcsetattr(0, TCSANOW, &now);
}

static void say(const char *line) {
    if (write(1, line, strlen(line)) < 0) _exit(99);
}

static volatile sig_atomic_t resumed;
static void on_resume(int signal) {
    (void)signal;
    resumed++;
}

/* What vi does with ^Z: raw mode, so it is a byte; clean up, stop the whole job, set up again. */
static int full_screen(void) {
    handle(SIGCONT, (void *)on_resume, SA_RESTART);
    raw();
    say("raw\r\n");
    for (;;) {
        char key;
        if (read(0, &key, 1) != 1) return 1;
        if (key == 26) {
            tcsetattr(0, TCSANOW, &cooked);
            kill(0, SIGTSTP);
            raw();
            say("resumed\r\n");
        } else if (key == 'q') {
            tcsetattr(0, TCSANOW, &cooked);
            printf("stops %d\n", (int)resumed);
            return 7;
        } else {
            char line[32];
            snprintf(line, sizeof line, "byte %d\r\n", key);
            say(line);
        }
    }
}

/* The value of the signal that is pending for us, without any handler. */
static int await_signal(int signal) {
    unsigned long mask = bit(signal);
    siginfo_t info;
    if (syscall(SYS_rt_sigtimedwait, &mask, &info, NULL, 8) != signal) return 1;
    printf("signal %d\n", signal);
    return 0;
}

static int burn(int ms) {
    struct rusage usage;
    do getrusage(RUSAGE_SELF, &usage);
    while (usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 < ms);
    return 0;
}

/* Who else holds a lock on this file? */
static int locked(const char *path) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR);
    if (fd < 0 || fcntl(fd, F_GETLK, &lock)) return 1;
    puts(lock.l_type == F_UNLCK ? "free" : "locked");
    return 0;
}

/* Takes both kinds of lock on a file, says so, and keeps them until its input ends. */
static int hold(const char *path) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || fcntl(fd, F_SETLK, &lock)) return 1;
    /* flock(2) and fcntl(2) locks do not see one another. */
    if (syscall(SYS_flock, fd, 2 | 4)) return 1;
    say("held\n");
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
}

/* A daemon: another session, no descriptor of ours but the one named, which it writes signals to. */
static int daemonise(int count, char **words) {
    (void)count;
    int ready[2];
    char byte;
    if (pipe(ready)) return 1;
    if (!fork()) {
        if (strcmp(words[1], "daemon-same-session")) setsid();
        if (!fork()) {
            tell_on = open(words[2], O_WRONLY | O_APPEND | O_CLOEXEC);
            int null = open("/dev/null", O_RDWR);
            for (int fd = 0; fd < 3; fd++) dup2(null, fd);
            for (int signal = 1; signal <= 64; signal++)
                if (signal != SIGKILL && signal != SIGSTOP) handle(signal, (void *)told, SA_SIGINFO | SA_RESTART);
            report_ready();
            if (write(ready[1], "r", 1) != 1) _exit(1);
            close(ready[0]);
            close(ready[1]);
            for (;;) pause();
        }
        _exit(0);
    }
    close(ready[1]);
    return read(ready[0], &byte, 1) == 1 ? 5 : 1;
}

/* kill 0 by the command itself: how often does it come back? */
static void signals_own_group(int signal) {
    handle(signal, (void *)told, SA_SIGINFO | SA_RESTART);
    handle(64, (void *)told, SA_SIGINFO | SA_RESTART);
    handle(63, (void *)told, SA_SIGINFO | SA_RESTART);
    kill(0, signal);
    report_ready();
    for (;;) pause();
}

/* A child of the command does it, as a recipe's `kill 0` would. */
static void child_signals_group(int signal) {
    handle(signal, (void *)told, SA_SIGINFO | SA_RESTART);
    handle(64, (void *)told, SA_SIGINFO | SA_RESTART);
    handle(63, (void *)told, SA_SIGINFO | SA_RESTART);
    pid_t child = fork();
    if (!child) {
        handle(signal, SIG_IGN, 0);
        kill(0, signal);
        _exit(0);
    }
    while (waitpid(child, NULL, 0) < 0) {
    }
    report_ready();
    for (;;) pause();
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "state")) return state(count, words);
    if (!strcmp(what, "signals")) return signals(count, words);
    if (!strcmp(what, "exit")) return number(words[2]);
    if (!strcmp(what, "die")) die(number(words[2]));
    if (!strcmp(what, "kill")) return kill(number(words[2]), number(words[3])) ? 1 : 0;
    if (!strcmp(what, "queue")) return queue(number(words[2]), number(words[3]), number(words[4]));
    if (!strcmp(what, "queue-and-kill")) { /* PID SIGNAL VALUE TURNS: to the process, and some turns later to its group */
        if (queue(number(words[2]), number(words[3]), number(words[4]))) return 1;
        for (volatile int turns = number(words[5]); turns > 0; turns--) {
        }
        return kill(-number(words[2]), number(words[3])) ? 1 : 0;
    }
    if (!strcmp(what, "kill-beside")) { /* PID SIGNAL TURNS: one process to the group, another, after some turns, to PID */
        pid_t other = fork();
        if (!other) _exit(kill(-number(words[2]), number(words[3])) ? 1 : 0);
        for (volatile int turns = number(words[4]); turns > 0; turns--) {
        }
        int failed = kill(number(words[2]), number(words[3]));
        int status;
        return failed || waitpid(other, &status, 0) != other || status;
    }
    if (!strcmp(what, "terminal")) return terminal();
    if (!strcmp(what, "full-screen")) return full_screen();
    if (!strcmp(what, "await")) return await_signal(number(words[2]));
    if (!strcmp(what, "burn")) return burn(number(words[2]));
    if (!strcmp(what, "locked")) return locked(words[2]);
    if (!strcmp(what, "hold")) return hold(words[2]);
    if (!strncmp(what, "daemon", 6)) return daemonise(count, words);
    if (!strcmp(what, "signals-own-group")) signals_own_group(number(words[2]));
    if (!strcmp(what, "child-signals-group")) child_signals_group(number(words[2]));
    if (!strcmp(what, "in-group")) { /* GROUP COMMAND; 0: a new one. The group may still be in the making. */
        while (setpgid(0, number(words[2]))) sched_yield();
        return execvp(words[3], words + 3), 1;
    }
    if (!strcmp(what, "pause")) {
        report_ready();
        for (;;) pause();
    }
    if (!strcmp(what, "limit")) {
        struct rlimit limit;
        getrlimit(number(words[2]), &limit);
        limit.rlim_cur = strtoul(words[3], NULL, 10);
        return setrlimit(number(words[2]), &limit) ? 1 : (execvp(words[4], words + 4), 1);
    }
    if (!strcmp(what, "close")) {
        /* Lets go of one descriptor, then waits to be told. */
        handle(63, (void *)told, SA_SIGINFO | SA_RESTART);
        tell_on = 2;
        report_ready();
        close(number(words[2]));
        for (;;) pause();
    }
    fprintf(stderr, "probe: what is %s?\n", what);
    return 2;
}
