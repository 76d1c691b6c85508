//! The tests of embedctl, in one binary.
