//! One page that holds all it shows: inline drawings, no script, no link, nothing to load.

mod page;
mod sections;
mod svg;
mod writer;

pub use page::html;
