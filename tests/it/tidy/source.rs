//! Source files as the rules read them.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, LineColumn, TokenStream, TokenTree};

/// One source file.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and literals blanked out.
    code: String,
    /// The number of lines before the file's own tests.
    pub(super) product_lines: usize,
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let code = code_of(text);
        let total = text.lines().count();
        let lines: Vec<&str> = code.lines().collect();
        let own_tests = lines
            .windows(2)
            .position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod tests {"));
        let all_tests =
            path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/");
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            product_lines: if all_tests {
                0
            } else {
                own_tests.unwrap_or(total)
            },
        }
    }

    /// The module right below the crate's root that the file belongs to.
    pub(super) fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below
            .split_once('/')
            .map_or_else(|| below.trim_end_matches(".rs"), |(folder, _)| folder)
    }

    /// The lines of code before the file's own tests, with their numbers.
    pub(super) fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take(self.product_lines)
    }

    /// The lines of the file's tests, with their numbers.
    pub(super) fn tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().skip(self.product_lines)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// What people read: comments and literals, without the code, with the numbers of the lines.
    pub(super) fn prose(&self) -> impl Iterator<Item = (usize, String)> {
        let both = self.text.lines().zip(self.code.lines());
        both.enumerate().map(|(at, (line, code))| {
            let code = code.chars().chain(std::iter::repeat(' '));
            let prose = line.chars().zip(code);
            let prose = prose.map(|(text, code)| if code == ' ' { text } else { ' ' });
            (at + 1, prose.collect())
        })
    }

    pub(super) fn problem(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub(super) fn is_one_of(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }
}

/// `text` without comments and without what its literals say; everything else stays at its line and column.
pub(super) fn code_of(text: &str) -> String {
    let tokens: TokenStream = text.parse().expect("Rust");
    let mut lines: Vec<Vec<char>> = text
        .lines()
        .map(|line| vec![' '; line.chars().count()])
        .collect();
    place(tokens, &mut lines);
    let lines = lines.into_iter().map(String::from_iter);
    lines.collect::<Vec<_>>().join("\n")
}

fn put(lines: &mut [Vec<char>], at: LineColumn, text: &str) {
    let line = &mut lines[at.line - 1][at.column..];
    for (place, character) in line.iter_mut().zip(text.chars()) {
        *place = character;
    }
}

/// Whether this is what a doc comment is to the compiler: `[doc = "…"]`.
fn is_doc(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

fn place(tokens: TokenStream, lines: &mut [Vec<char>]) {
    for token in tokens {
        match token {
            // A doc comment is `#[doc = "…"]` to the compiler, all of it at the place of the comment.
            TokenTree::Group(group) if is_doc(&group) => {}
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                put(lines, group.span_open().start(), open);
                put(lines, group.span_close().start(), close);
                place(group.stream(), lines);
            }
            TokenTree::Ident(name) => put(lines, name.span().start(), &name.to_string()),
            TokenTree::Punct(sign) => put(lines, sign.span().start(), &sign.as_char().to_string()),
            TokenTree::Literal(_) => {}
        }
    }
}
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The Rust files in and below the folder `path`; none if there is no such folder.
pub(super) fn files(path: &str) -> Vec<File> {
    let paths = paths(path, "rs").into_iter();
    paths.map(|path| File::new(&path, &read(&path))).collect()
}

/// The files with such an extension in and below the folder `path`.
pub(super) fn paths(path: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(path)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(relative(&path));
            }
        }
    }
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/")
}
