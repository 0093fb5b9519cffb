//! How the program is linked: it begins before the C library does, see `tm_run_entry` in `sys.rs`.

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    // Without any optimisation the compiler has the C library copy small values, too, which it cannot do so early.
    if is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_POINTER_WIDTH", "64")
        && !is("OPT_LEVEL", "0")
    {
        println!("cargo::rustc-link-arg-bin=tm-run=-Wl,--entry=tm_run_entry");
    }
}
