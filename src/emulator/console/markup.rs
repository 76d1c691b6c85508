//! HTML in which every value is escaped: tags can only come from the program's own text.

use std::fmt;

use crate::emulator::text::html;

/// A page that grows.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Add tags, as they stand in the program.
    pub(super) fn tags(&mut self, tags: &'static str) -> &mut Self {
        self.0.push_str(tags);
        self
    }

    /// Add a value, escaped for a place between tags or between double quotes.
    pub(super) fn value(&mut self, value: impl fmt::Display) -> &mut Self {
        self.0.push_str(&html(&value.to_string()));
        self
    }

    /// Add a row of a list of names and values.
    pub(super) fn row(&mut self, name: &'static str, value: impl fmt::Display) -> &mut Self {
        let value = value.to_string();
        self.tags("<dt>").tags(name).tags("<dd>");
        match value.is_empty() {
            true => self.tags("<span class=none>none</span>"),
            false => self.value(value),
        }
    }

    /// Add a section's beginning: its id, title and how many things it has.
    pub(super) fn section(&mut self, id: &'static str, title: &'static str, count: usize) {
        self.tags("<section id=").tags(id).tags("><h2>").tags(title);
        self.tags(" <span class=count>")
            .value(count)
            .tags("</span></h2>");
    }

    /// The page as text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Markup;

    #[test]
    fn values_cannot_become_tags_or_leave_their_quotes() {
        let mut page = Markup::default();
        page.tags("<b title=\"").value("\" onclick=\"x").tags("\">");
        page.value("<script>").tags("</b>");

        assert_eq!(
            page.into_text(),
            "<b title=\"&quot; onclick=&quot;x\">&lt;script&gt;</b>"
        );
    }
}
