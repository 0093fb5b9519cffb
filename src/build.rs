//! How the program is linked: it begins before the C library does, see `tm_run_entry` in `sys.rs`.

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let value = |variable: &str| std::env::var(variable).unwrap_or_default();
    let is_known =
        value("CARGO_CFG_TARGET_ARCH") == "x86_64" && value("CARGO_CFG_TARGET_POINTER_WIDTH") == "64";
    // Without optimisation, or for size, the compiler has the C library copy small values, too, which it cannot yet do.
    // (A level behind `cargo rustc --` cannot be seen here.)
    let is_optimised = ["1", "2", "3"].contains(&value("OPT_LEVEL").as_str())
        && !value("CARGO_ENCODED_RUSTFLAGS").contains("opt-level");
    if is_known && is_optimised {
        println!("cargo::rustc-link-arg-bin=tm-run=-Wl,--entry=tm_run_entry");
    }
}
