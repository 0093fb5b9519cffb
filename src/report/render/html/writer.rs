//! The only way onto the page: tags and names of attributes are literals, and every value is escaped.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

/// How many bytes are buffered before they are written.
const BUFFERED: usize = 1 << 16;

pub struct Html<'w> {
    buffer: String,
    /// Open elements, the outermost first.
    open: Vec<&'static str>,
    /// The start tag of the last element still takes attributes.
    in_start_tag: bool,
    out: &'w mut dyn Write,
}

impl<'w> Html<'w> {
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self { buffer: String::new(), open: Vec::new(), in_start_tag: false, out }
    }

    /// Literal markup. It is part of the program, so it needs no escaping.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.finish_start_tag();
        self.buffer.push_str(markup);
        self
    }

    pub fn start(&mut self, tag: &'static str) -> &mut Self {
        self.finish_start_tag();
        self.buffer.extend(["<", tag]);
        self.open.push(tag);
        self.in_start_tag = true;
        self
    }

    /// An attribute of the element just started.
    pub fn attr(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        debug_assert!(self.in_start_tag, "{name}");
        self.buffer.extend([" ", name, "=\""]);
        self.escape(value);
        self.buffer.push('"');
        self
    }

    pub fn class(&mut self, class: &'static str) -> &mut Self {
        self.attr("class", class)
    }

    pub fn text(&mut self, value: impl Display) -> &mut Self {
        self.finish_start_tag();
        self.escape(value);
        self
    }

    /// Ends the innermost element that is open.
    pub fn end(&mut self) -> &mut Self {
        let tag = self.open.pop().unwrap_or_default();
        if self.in_start_tag && matches!(tag, "circle" | "line" | "path" | "rect") {
            self.in_start_tag = false;
            self.buffer.push_str("/>");
        } else {
            self.finish_start_tag();
            self.buffer.extend(["</", tag, ">"]);
        }
        self
    }

    /// An element that holds only text.
    pub fn element(&mut self, tag: &'static str, text: impl Display) -> &mut Self {
        self.start(tag).text(text).end()
    }

    pub fn newline(&mut self) -> &mut Self {
        self.raw("\n")
    }

    /// Writes the buffer once it is large.
    pub fn flush_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() > BUFFERED { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.buffer.as_bytes())?;
        self.buffer.clear();
        Ok(())
    }

    fn finish_start_tag(&mut self) {
        if std::mem::take(&mut self.in_start_tag) {
            self.buffer.push('>');
        }
    }

    fn escape(&mut self, value: impl Display) {
        // Writing to a String does not fail.
        let _ = write!(Escaped(&mut self.buffer), "{value}");
    }
}

/// Writes text so that it is only text, in an element and in a quoted attribute.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = text;
        while let Some(at) = plain.find(['&', '<', '>', '"', '\'']) {
            self.0.push_str(&plain[..at]);
            self.0.push_str(match plain.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            });
            plain = &plain[at + 1..];
        }
        self.0.push_str(plain);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(write: impl Fn(&mut Html)) -> String {
        let mut bytes = Vec::new();
        let mut html = Html::new(&mut bytes);
        write(&mut html);
        html.flush().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn html_escape_covers_text_and_attributes() {
        let hostile = "<b title=\"x\" id='y'>&amp;";
        let escaped = "&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;";
        assert_eq!(page(|html| _ = html.element("p", hostile)), format!("<p>{escaped}</p>"));
        assert_eq!(
            page(|html| _ = html.start("i").attr("title", hostile).end()),
            format!("<i title=\"{escaped}\"></i>")
        );
    }

    #[test]
    fn html_shapes_without_content_close_themselves() {
        assert_eq!(page(|html| _ = html.start("rect").attr("x", 1).end()), "<rect x=\"1\"/>");
        assert_eq!(
            page(|html| _ = html.start("rect").attr("x", 1).element("title", "a").end()),
            "<rect x=\"1\"><title>a</title></rect>"
        );
    }
}
