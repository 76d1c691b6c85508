//! The tests of embedctl, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failed test should stop at once"
)]

mod admin_rights;
mod answers;
mod api;
mod apply;
mod apply_faults;
mod apply_report;
mod apply_stdin;
mod apply_wait;
mod beliefs;
mod browser;
mod children;
mod client;
mod client_bodies;
mod client_content;
mod client_tls;
mod clients;
mod consent;
mod console;
mod crash;
mod crash_company;
mod create_user;
mod database;
mod doctor;
mod durable;
mod emulator;
mod emulator_boards;
mod emulator_content;
mod emulator_contract;
mod emulator_dashboards;
mod emulator_description;
mod emulator_embed;
mod emulator_faults;
mod emulator_instance;
mod emulator_models;
mod emulator_owned;
mod emulator_people;
mod emulator_queries;
mod emulator_rotation;
mod emulator_state;
mod emulator_switches;
mod emulator_tls;
mod emulator_vectors;
mod emulator_words;
mod errors;
mod export;
mod families;
mod files;
mod half_written;
mod help;
mod ignored_writes;
mod installed;
mod instance;
mod jobs;
mod judge;
mod keys;
mod kill;
mod leaks;
mod ledger;
mod lenient;
mod loopback;
mod manifest;
mod manifest_scope;
mod many_minters;
mod not_there;
mod outage;
mod output;
mod permits;
mod plan;
mod postgres;
mod process;
mod profile;
mod published_clients;
mod readme;
mod reconcile;
mod recorded;
mod recorded_client;
mod refused_rows;
mod rotate_id;
mod rotate_id_beliefs;
mod rotate_id_crash;
mod rotate_id_faults;
mod rotate_id_into;
mod rotate_id_kill;
mod rotate_id_many;
mod rotate_id_people;
mod rotate_id_undo;
mod rotation;
mod runs;
mod sdk;
mod server;
mod settings;
mod signed_url;
mod sinks;
mod spreadsheets;
mod steps;
mod stop;
mod support;
mod switch_matrix;
mod tenants;
mod terminal;
mod tidy;
mod token;
mod url_inspect;
mod url_open;
mod url_sign;
mod users;
mod users_explain;
