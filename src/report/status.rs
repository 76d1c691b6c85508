//! Progress as a sentence, and as a bar that fits the terminal.

use std::fmt;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::system::duration;

/// The progress.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) what: &'static str,
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) failed: u64,
    pub(super) in_flight: u64,
    pub(super) retries: u64,
    /// The rate per second.
    pub(super) rate: f64,
    /// How long it will still take, if that can be estimated.
    pub(super) eta: Option<Duration>,
    /// Whether nothing more is started.
    pub(super) stopping: bool,
    pub(super) elapsed: Duration,
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) width: usize,
    pub(super) color: bool,
    /// Whether it can show more than ASCII.
    pub(super) blocks: bool,
}

/// A piece of the line with a priority: if there is not enough room, pieces with the highest number are dropped.
struct Piece {
    rank: u8,
    text: String,
    style: Style,
}

impl Piece {
    /// The separator before it; a padded figure needs none.
    fn space(&self) -> &'static str {
        if self.text.starts_with(' ') { "" } else { "  " }
    }
}

/// From how many columns on there is room for words.
const WIDE: usize = 100;

impl Status {
    /// The line for a terminal: a bar, and as many figures as fit.
    pub(super) fn bar(&self, paint: Paint) -> String {
        let length = match paint.width {
            ..24 => 0,
            width => (width / 5).clamp(8, 30),
        };
        let mut pieces = self.pieces(paint.width >= WIDE);
        let mut room = paint.width.saturating_sub(length);
        let mut ranks: Vec<_> = pieces.iter().map(|piece| piece.rank).collect();
        // The most important pieces first, while there is room.
        ranks.sort_unstable();
        let mut kept = Vec::new();
        for rank in ranks {
            let piece = pieces.iter().find(|piece| piece.rank == rank);
            let needs = piece.map_or(0, |piece| piece.text.len() + piece.space().len());
            if needs <= room {
                room -= needs;
                kept.push(rank);
            }
        }
        pieces.retain(|piece| kept.contains(&piece.rank));
        let mut line = self.track(length, paint);
        for piece in &pieces {
            if !line.is_empty() {
                line.push_str(piece.space());
            }
            line.push_str(&painted(&piece.text, piece.style, paint));
        }
        line
    }

    /// The bar itself; if the amount of work is unknown, a block that moves to and fro.
    fn track(&self, length: usize, paint: Paint) -> String {
        let (full, empty) = if paint.blocks {
            ("█", "░")
        } else {
            ("#", "-")
        };
        let (before, block) = match self.total {
            Some(total) => (0, part(self.done, total, length)),
            None => {
                let block = length.div_ceil(4);
                let span = length.saturating_sub(block).max(1);
                let step = usize::try_from(self.elapsed.as_millis() / 200).unwrap_or_default();
                // The block moves back and forth, since there is no total to fill towards.
                let at = step % (2 * span);
                (at.min(2 * span - at), block)
            }
        };
        let after = length.saturating_sub(before + block);
        let quiet = Style::new().dimmed();
        let pieces = [
            (empty.repeat(before), quiet),
            (full.repeat(block), AnsiColor::Cyan.on_default()),
            (empty.repeat(after), quiet),
        ];
        pieces
            .iter()
            .map(|(text, style)| painted(text, *style, paint))
            .collect()
    }

    /// The figures in the order in which they are read.
    fn pieces(&self, wide: bool) -> Vec<Piece> {
        let plain = Style::new();
        let mut pieces = Vec::new();
        let mut piece = |rank, text, style| pieces.push(Piece { rank, text, style });
        let (done, what) = (self.done, self.what);
        if let Some(percent) = self.percent() {
            piece(0, format!("{percent:>4} %"), plain.bold());
        }
        match self.total {
            Some(total) if wide => piece(3, format!("{done} of {total} {what}"), plain),
            Some(total) => piece(3, format!("{done}/{total}"), plain),
            None => piece(3, format!("{done} {what}"), plain),
        }
        piece(4, rate(self.rate), plain);
        if self.stopping {
            piece(2, "stopping".to_owned(), AnsiColor::Yellow.on_default());
        } else if let Some(eta) = self.eta {
            piece(2, format!("{} left", duration::rough(eta)), plain);
        }
        if self.in_flight > 0 {
            piece(6, format!("{} in flight", self.in_flight), plain.dimmed());
        }
        if self.retries > 0 {
            let text = format!("{} retried", self.retries);
            piece(5, text, AnsiColor::Yellow.on_default());
        }
        if self.failed > 0 {
            let text = format!("{} failed", self.failed);
            piece(1, text, AnsiColor::Red.on_default().bold());
        }
        pieces
    }

    fn percent(&self) -> Option<u64> {
        let total = self.total?;
        Some((self.done * 100).checked_div(total).unwrap_or(100).min(100))
    }
}

fn painted(text: &str, style: Style, paint: Paint) -> String {
    if paint.color && !text.is_empty() {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// The part of `length` that `done` is of `total`; full only when all is done.
fn part(done: u64, total: u64, length: usize) -> usize {
    let share = (done * length as u64 + total / 2).checked_div(total);
    let share = share.and_then(|share| usize::try_from(share).ok());
    let most = if done < total {
        // Full only when everything is done.
        length.saturating_sub(1)
    } else {
        length
    };
    share.unwrap_or(length).min(most)
}

fn rate(rate: f64) -> String {
    if rate < 99.95 {
        format!("{rate:.1}/s")
    } else {
        format!("{rate:.0}/s")
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, done, .. } = self;
        if let (Some(percent), Some(total)) = (self.percent(), self.total) {
            write!(f, "{percent:>3} %  {done} of {total} {what}")?;
        } else {
            write!(f, "{done} {what}")?;
        }
        write!(f, ", {}", rate(self.rate))?;
        if self.stopping {
            f.write_str(", stopping")?;
        } else if let Some(eta) = self.eta {
            write!(f, ", {} left", duration::rough(eta))?;
        }
        let counts = [
            (self.in_flight, "in flight"),
            (self.retries, "retried"),
            (self.failed, "failed"),
        ];
        for (count, word) in counts.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            what: "users",
            done: 512,
            total: Some(10_000),
            failed: 0,
            in_flight: 10,
            retries: 0,
            rate: 84.04,
            eta: Some(Duration::from_secs(112)),
            stopping: false,
            elapsed: Duration::from_secs(6),
        }
    }

    fn plain(status: &Status, width: usize) -> String {
        let line = status.bar(Paint {
            width,
            color: false,
            blocks: false,
        });
        assert!(line.len() <= width, "{width}: {line}");
        line
    }

    #[test]
    fn the_sentence_tells_how_far_how_fast_how_long_and_what_went_wrong() {
        let mut status = status();
        assert_eq!(
            status.to_string(),
            "  5 %  512 of 10000 users, 84.0/s, 1m 52s left, 10 in flight"
        );

        status.total = None;
        status.eta = None;
        (status.retries, status.failed) = (3, 2);
        assert_eq!(
            status.to_string(),
            "512 users, 84.0/s, 10 in flight, 3 retried, 2 failed"
        );
    }

    #[test]
    fn the_bar_tells_all_where_there_is_room_and_what_matters_where_there_is_not() {
        let mut status = status();
        (status.done, status.retries, status.failed) = (5_120, 3, 2);

        assert_eq!(
            plain(&status, 119),
            "############-----------  51 %  5120 of 10000 users  84.0/s  1m 52s left  10 in flight  3 retried  2 failed"
        );
        assert_eq!(
            plain(&status, 79),
            "########-------  51 %  5120/10000  84.0/s  1m 52s left  3 retried  2 failed"
        );
        assert_eq!(plain(&status, 39), "####----  51 %  1m 52s left  2 failed");
        assert_eq!(plain(&status, 19), "  51 %  2 failed");
        assert_eq!(plain(&status, 3), "");
        for width in 0..200 {
            let _fits = plain(&status, width);
        }
    }

    #[test]
    fn a_bar_is_full_only_when_all_is_done_and_wanders_where_nobody_knows_the_end() {
        let mut status = status();
        let bar = |status: &Status| plain(status, 40).split(' ').next().unwrap().to_owned();
        status.done = 9_999;
        assert_eq!(bar(&status), "#######-");
        status.done = 10_000;
        assert_eq!(bar(&status), "########");

        status.total = None;
        let mut seen = Vec::new();
        for step in 0..13 {
            status.elapsed = Duration::from_millis(200) * step;
            seen.push(bar(&status));
        }
        assert_eq!((&*seen[0], &*seen[1]), ("##------", "-##-----"));
        assert_eq!((&*seen[6], &*seen[7]), ("------##", "-----##-"));
        assert_eq!(seen[12], seen[0]);
    }

    #[test]
    fn colour_and_blocks_take_no_room() {
        let line = status().bar(Paint {
            width: 60,
            color: true,
            blocks: true,
        });

        assert!(line.contains("░") && line.contains("\u{1b}["), "{line}");
        let width = unicode_width::UnicodeWidthStr::width(anstyle_free(&line).as_str());
        assert!(width <= 60, "{width}: {line}");
    }

    /// The text without what sets colours.
    fn anstyle_free(line: &str) -> String {
        let mut text = String::new();
        for part in line.split("\u{1b}[") {
            text.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
        }
        text
    }
}
