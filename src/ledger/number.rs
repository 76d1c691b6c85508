//! States as numbers in tables, which never change.

use crate::ledger::{JobState, KeyState, What};

/// A state as its number in the tables of any store.
pub(super) trait Numbered: Copy + PartialEq + Sized + 'static {
    /// All states, in the order of their numbers.
    const ALL: &'static [Self];

    /// Its number.
    fn number(self) -> i16 {
        let place = Self::ALL.iter().position(|state| *state == self);
        let place = place.expect("every state is in its table");
        i16::try_from(place).expect("there are few states")
    }

    /// The state with this number.
    fn of(number: i16) -> Result<Self, UnknownNumber> {
        let place = usize::try_from(number).ok();
        let state = place.and_then(|place| Self::ALL.get(place));
        state.copied().ok_or(UnknownNumber(number))
    }
}

/// A number that stands for no state.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} stands for no state")]
pub(super) struct UnknownNumber(pub(super) i16);

impl Numbered for JobState {
    const ALL: &'static [Self] = &[Self::Open, Self::Done, Self::Failed, Self::Undone];
}

impl Numbered for KeyState {
    const ALL: &'static [Self] = &[Self::Minted, Self::Delivered, Self::Revoked];
}

impl Numbered for What {
    const ALL: &'static [Self] = &[
        Self::Started,
        Self::Done,
        Self::Failed,
        Self::UndoStarted,
        Self::Undone,
    ];
}
