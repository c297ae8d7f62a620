//! What `make fuzz` looks for with libFuzzer, looked for without it: the same properties (`fuzz/properties`), on the seeds
//! that are committed for it and on a few thousand inputs that are made of them.
//!
//! A failure prints the least input that shows it. Mend the service, and put the input into the property's folder of seeds.

#[path = "../../../fuzz/properties/cursor.rs"]
mod cursor;
#[path = "../../../fuzz/properties/idempotency_key.rs"]
mod idempotency_key;
mod inputs;
#[path = "../../../fuzz/properties/problem.rs"]
mod problem;
#[path = "../../../fuzz/properties/token.rs"]
mod token;

use proptest::test_runner::{Config, TestRunner};

/// Inputs for each property beyond its seeds.
const INPUTS: u32 = 4_000;

#[track_caller]
fn run(target: &str, holds: fn(&[u8])) {
    let seeds = inputs::seeds(target);
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for (name, seed) in &seeds {
        println!("fuzz/seeds/{target}/{name}");
        holds(seed);
    }
    // What was found stays found by the seeds, which libFuzzer reads too.
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(INPUTS)
    };
    let seeds = seeds.into_iter().map(|(_, seed)| seed).collect();
    let ended = TestRunner::new(config).run(&inputs::made_of(seeds), |input| {
        holds(&input.0);
        Ok(())
    });
    if let Err(error) = ended {
        panic!("{target}: {error}");
    }
}

#[test]
fn a_token_is_accepted_exactly_when_it_is_ours_whatever_its_bytes() {
    run("token", token::holds);
}

#[test]
fn a_cursor_leads_where_it_was_given_out_or_nowhere_whatever_its_bytes() {
    run("cursor", cursor::holds);
}

#[test]
fn a_key_is_one_exactly_when_the_document_says_so_whatever_its_bytes() {
    run("idempotency_key", idempotency_key::holds);
}

#[test]
fn a_problem_is_one_document_and_no_markup_whatever_is_in_it() {
    run("problem", problem::holds);
}

/// Each file in `fuzz/properties` has its program, its seeds and its test here.
#[test]
fn every_property_is_fuzzed_and_tested() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (manifest, here) = (read("fuzz/Cargo.toml"), include_str!("mod.rs"));
    let mut properties = 0;
    for entry in root.join("fuzz/properties").read_dir().unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".rs").expect("nothing but properties");
        properties += 1;
        assert!(manifest.contains(&format!("path = \"targets/{file}\"")));
        let target = read(&format!("fuzz/targets/{file}"));
        assert!(target.contains(&format!("{name}::holds(data)")), "{file}");
        assert!(here.contains(&format!("run(\"{name}\", {name}::holds)")));
    }
    assert_eq!(properties, 4);
}
