//! How fast embed URLs are signed and verified.

fn main() {}
