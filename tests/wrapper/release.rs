//! What tm-run was handed for the command it lets go of once the command runs, as if it were not there.

use std::fs;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{
    ALL_BUT_OFF, Case, EVERY_WAY, MOUNT_NAMESPACE, RECORDED, Sandbox, WaitStatus, cases, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY, needs ["python3"];
        tty_reader_sees_the_end_when_the_command_closes_its_tty,
    ];
    all.extend(cases![EVERY_WAY, needs ["flock", "bash"];
        flock_is_free_when_the_command_closes_the_descriptor,
        flock_of_standard_input_is_free_when_the_command_closes_it,
    ]);
    all.extend(cases![ALL_BUT_OFF, needs [MOUNT_NAMESPACE, "mount", "umount", "bash"];
        mount_of_the_start_directory_can_be_unmounted_when_the_command_left_it,
    ]);
    all.extend(cases![RECORDED; standard_descriptors_are_dev_null_while_the_command_runs]);
    all
}

/// A FIFO that the command reads a line from before it ends.
fn go_on(sandbox: &Sandbox) {
    mkfifo(&sandbox.path("go"), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
}

/// F-05
fn tty_reader_sees_the_end_when_the_command_closes_its_tty(sandbox: &Sandbox) {
    go_on(sandbox);
    // The terminal is on the command's standard descriptors only.
    let script = "import errno, os, shlex, subprocess, sys
master, tty = os.openpty()
command = shlex.split(os.environ['W']) + ['sh', '-c', 'cd ..; exec <&- >&- 2>&-; read x < go; exit 3']
process = subprocess.Popen(command, stdin=tty, stdout=tty, stderr=tty)
os.close(tty)
try:
    sys.exit(f'read {os.read(master, 100)!r}')
except OSError as error:
    assert error.errno == errno.EIO, error
open('../go', 'w').write('\\n')
sys.exit(process.wait())";
    assert_eq!(sandbox.unwrapped(["python3", "-c", script]).wait_for_exit(), WaitStatus::Exited(3));
    sandbox.assert_logged(&[3]);
}

/// F-05
///
/// Closed, a file that tm-run opens would take their numbers, and what is written to them.
fn standard_descriptors_are_dev_null_while_the_command_runs(sandbox: &Sandbox) {
    let mut job = sandbox.probe("pause").launch_option("--dup", "0:9").on_terminal().spawn();
    job.terminal().screen.read_ready_pid();
    let file = |fd| fs::read_link(format!("/proc/{}/fd/{fd}", job.pid));
    wait_until("the last of those that it was handed is closed", || file(9).is_err());
    for fd in 0..3 {
        assert_eq!(file(fd).expect("it is open").to_str(), Some("/dev/null"), "{fd}");
    }
}

/// F-06
fn flock_is_free_when_the_command_closes_the_descriptor(sandbox: &Sandbox) {
    go_on(sandbox);
    let script = "cd ..; exec 9> lock; flock 9
        $W sh -c 'exec 9>&-; read x < go; exit 3' &
        exec 9>&-; while ! flock --nonblock lock true; do :; done; echo > go; wait $!";
    assert_eq!(sandbox.bash(script).wait_for_exit(), WaitStatus::Exited(3));
}

/// F-06
fn flock_of_standard_input_is_free_when_the_command_closes_it(sandbox: &Sandbox) {
    go_on(sandbox);
    let script = "cd ..; exec 9> lock; flock 9
        $W sh -c 'exec 0<&-; read x < go; exit 3' 0<&9 9>&- &
        exec 9>&-; while ! flock --nonblock lock true; do :; done; echo > go; wait $!";
    assert_eq!(sandbox.bash(script).wait_for_exit(), WaitStatus::Exited(3));
}

/// F-06
fn mount_of_the_start_directory_can_be_unmounted_when_the_command_left_it(sandbox: &Sandbox) {
    go_on(sandbox);
    let script = "cd ..; mkdir mnt; mount -t tmpfs none mnt; top=$PWD; export top
        (cd mnt && exec $W sh -c 'cd \"$top\"; read x < go; exit 3') &
        while ! umount mnt 2> /dev/null; do :; done; echo > go; wait $!";
    let words = ["unshare", "--mount", "bash", "-c", script];
    let launch = sandbox.unwrapped(words);
    assert_eq!(launch.wait_for_exit(), WaitStatus::Exited(3));
}
