//! PID namespaces, as containers have them: some pids are 0 there, and pid 1 is unlike other processes.

use crate::harness::{
    ALL_BUT_OFF, Case, EVERY_WAY, MOUNT_NAMESPACE, PID_NAMESPACE, RECORDED, Sandbox, TM_RUN, WaitStatus,
    cases,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![ALL_BUT_OFF, needs [PID_NAMESPACE, "bash"];
        pid_namespace_for_children_is_left_to_the_commands_children,
        pid_namespace_signal_to_init_reaches_the_command,
    ];
    all.extend(cases![EVERY_WAY, needs [PID_NAMESPACE, "bash"];
        pid_namespace_orphans_are_reaped_by_the_wrapper_that_is_init,
    ]);
    all.extend(cases![EVERY_WAY, needs [PID_NAMESPACE, MOUNT_NAMESPACE, "umount", "bash"];
        pid_namespace_without_proc_still_runs_the_command,
    ]);
    all.extend(cases![RECORDED, needs [PID_NAMESPACE, "bash"]; pid_namespace_process_group_zero_is_kept]);
    all
}

/// A forked command would be pid 1 of the new namespace; bare, its first child is.
fn pid_namespace_for_children_is_left_to_the_commands_children(sandbox: &Sandbox) {
    let output = sandbox.bash("exec unshare --pid $W bash -c '(echo $BASHPID); exit 3'").output();
    assert_eq!((output.text(), output.status), ("1\n".into(), WaitStatus::Exited(3)));
    assert_eq!(sandbox.log_text(), "");
}

/// F-03
fn pid_namespace_orphans_are_reaped_by_the_wrapper_that_is_init(sandbox: &Sandbox) {
    let zombies = "grep -l '^State:.Z' /proc/[0-9]*/status 2> /dev/null";
    // Orphans whose parents are gone when they end. A shell that is process 1 itself reaps them while it waits for
    // others.
    let script = format!(
        "for i in 1 2 3 4 5; do (sh -c 'read x < ../held' & exit 0); done; echo > ../held
        while pgrep -f '^sh -c read' > /dev/null || {zombies} > /dev/null; do :; done; exit 6"
    );
    nix::unistd::mkfifo(&sandbox.path("held"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let words = "exec 7<> ../held; exec unshare --pid --fork --mount-proc $W bash -c \"$SCRIPT\"";
    let script = script.replace("echo > ../held", "for i in 1 2 3 4 5; do echo; done > ../held");
    assert_eq!(sandbox.bash(words).env("SCRIPT", script).wait_for_exit(), WaitStatus::Exited(6));
}

/// Without /proc tm-run cannot know whether a child would be in another PID namespace, so it executes the command in
/// place.
fn pid_namespace_without_proc_still_runs_the_command(sandbox: &Sandbox) {
    for kind in ["--pid", "--ipc"] {
        let words =
            format!("exec unshare --mount bash -c 'umount -l /proc && exec unshare {kind} $W $P exit 3'");
        assert_eq!(sandbox.bash(&words).wait_for_exit(), WaitStatus::Exited(3), "{kind}");
    }
    let status = "exec unshare --mount bash -c 'umount -l /proc && exec \"$T\" status'";
    let status = sandbox.bash(status).env("T", TM_RUN).output().text();
    assert_eq!(status.contains("there is no /proc"), sandbox.way.records(), "{status}");
}

fn pid_namespace_signal_to_init_reaches_the_command(sandbox: &Sandbox) {
    // Nobody of the group outside gets it; unshare(1) itself blocks SIGTERM.
    for signal in ["TERM", "USR1"] {
        let script = format!("trap 'exit 5' {signal}; kill -{signal} 1; while :; do sleep 0.1; done");
        let words = "exec unshare --pid --fork --mount-proc $W bash -c \"$SCRIPT\"";
        let output = sandbox.bash(words).env("SCRIPT", script).output();
        assert_eq!(output.status, WaitStatus::Exited(5), "{signal}");
    }
    if sandbox.way.records() {
        assert_eq!(sandbox.exit_codes(), [5, 5]);
    }
}

/// To find out who else got a signal, tm-run calls setpgid(2), which must not change its group: outside its job, a
/// process that stops is never continued.
fn pid_namespace_process_group_zero_is_kept(sandbox: &Sandbox) {
    let group_of_tm_run = "trap 'cut -d \" \" -f 5 /proc/$PPID/stat; exit 3' USR1
        (kill -USR1 $PPID); while :; do sleep 0.1; done";
    let words = "exec unshare --pid --fork --mount-proc bash -c '$W bash -c \"$SCRIPT\"; exit $?'";
    let output = sandbox.bash(words).env("SCRIPT", group_of_tm_run).output();
    assert_eq!((output.text(), output.status), ("0\n".into(), WaitStatus::Exited(3)));
    sandbox.assert_logged(&[3]);
}
