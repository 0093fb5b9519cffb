//! `init`: prints what is in `shell/`.

use crate::cli::Script;

/// The integration for one shell holds its completion, too; packages install the two apart.
pub fn script(which: Script) -> &'static str {
    match which {
        Script::Bash => {
            concat!(
                include_str!("../../shell/tm-run.bash"),
                "\n",
                include_str!("../../shell/completion.bash")
            )
        }
        Script::Zsh => {
            concat!(include_str!("../../shell/tm-run.zsh"), "\n", include_str!("../../shell/_tm-run"))
        }
        Script::Fish => {
            concat!(
                include_str!("../../shell/tm-run.fish"),
                "\n",
                include_str!("../../shell/completion.fish")
            )
        }
        Script::Make => include_str!("../../shell/telemetry.mk"),
        Script::Man => include_str!("../../shell/tm-run.1"),
    }
}
