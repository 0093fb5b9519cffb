//! Holds the JSON to `tests/report.schema.json`, with as much of JSON Schema as that file uses.
//!
//! Stricter than the schema in one thing: a key that it does not describe is a problem here, while readers
//! are to ignore it.

use serde_json::{Map, Value};

/// What is wrong with a report, each with the place where it is.
pub fn problems(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("../../../../tests/report.schema.json")).unwrap();
    let mut problems = Vec::new();
    check(report, &schema, &schema, "report", &mut problems);
    problems
}

fn check(value: &Value, schema: &Value, root: &Value, at: &str, problems: &mut Vec<String>) {
    let rules: &Map<String, Value> = schema.as_object().unwrap();
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" | "format" => true,
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(value, &root["$defs"][name], root, at, problems);
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|name| is(value, name)),
                name => is(value, name),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "anyOf" => wanted.as_array().unwrap().iter().any(|schema| {
                let mut inner = Vec::new();
                check(value, schema, root, at, &mut inner);
                inner.is_empty()
            }),
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, wanted, root, &format!("{at}[{number}]"), problems);
                }
                true
            }
            "required" => {
                let keys = value.as_object();
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| keys.is_none_or(|keys| keys.contains_key(key.as_str().unwrap())))
            }
            "properties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    match wanted.get(key) {
                        Some(schema) => check(inner, schema, root, &format!("{at}.{key}"), problems),
                        None => problems.push(format!("{at}.{key} is not described")),
                    }
                }
                true
            }
            "additionalProperties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    check(inner, wanted, root, &format!("{at}.{key}"), problems);
                }
                true
            }
            unknown => panic!("the schema uses {unknown}, which is not checked"),
        };
        if !holds {
            problems.push(format!("{at}: {value} against {rule} {wanted}"));
        }
    }
}

fn is(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("{unknown} is no type"),
    }
}

#[test]
fn schema_check_finds_violations() {
    let bad = serde_json::json!({"format_version": "1"});
    let problems = problems(&bad);
    assert!(problems.iter().any(|problem| problem.contains("format_version")), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("required")), "{problems:?}");
}
