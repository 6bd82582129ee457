//! One line of comma-separated values, as clients write lists of `key=value`.

/// The fields of a line; none if it is empty. A field in double quotes may hold commas, and
/// a double quote as two.
///
/// # Errors
///
/// When a quote stands inside an unquoted field, or is not closed.
pub(crate) fn fields(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() || !fields.is_empty() {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                if rest[..end].contains('"') {
                    return Err("a quote inside a field that does not begin with one");
                }
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => break,
            None => return Err("text after a closing quote"),
        }
    }
    Ok(fields)
}

/// The field whose opening quote is taken, and what follows its closing quote.
fn quoted_field(mut rest: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or("a quote that is not closed")?;
        field.push_str(part);
        let Some(next) = after.strip_prefix('"') else {
            return Ok((field, after));
        };
        field.push('"');
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["a"]),
            ("a=1,b=2", &["a=1", "b=2"]),
            ("a,,b,", &["a", "", "b", ""]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#""say ""hi""","",x"#, &[r#"say "hi""#, "", "x"]),
        ];
        for (line, expected) in cases {
            assert_eq!(&fields(line).unwrap(), expected, "{line}");
        }
        for line in ["a\"b", "\"a", "\"a\"b", "\"a\"\"", "a,\"b\" "] {
            assert!(fields(line).is_err(), "{line}");
        }
    }
}
