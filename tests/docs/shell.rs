//! Splits a command into words as a shell does, and refuses what a shell would do more with: then
//! the reader would see something else than the test.

/// The words of a command.
pub fn words(command: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' => words.extend(word.take()),
            '\'' => word.get_or_insert_default().push_str(&single_quoted(&mut characters)?),
            '"' => word.get_or_insert_default().push_str(&double_quoted(&mut characters)?),
            '\\' => word.get_or_insert_default().push(characters.next().ok_or("a `\\` at the end")?),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' | ']' | '!' | '{' | '}' => {
                return Err(format!("`{character}` means something to a shell; put the word into quotes"));
            }
            '#' | '~' if word.is_none() => {
                return Err(format!("a word that begins with `{character}` means something to a shell"));
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(characters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    for character in characters {
        match character {
            '\'' => return Ok(text),
            other => text.push(other),
        }
    }
    Err("a `'` that is not closed".to_owned())
}

fn double_quoted(characters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok(text),
            '$' | '`' | '!' => return Err(format!("`{character}` in double quotes; take single ones")),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => text.push(escaped),
                other => text.extend(['\\'].into_iter().chain(other)),
            },
            other => text.push(other),
        }
    }
    Err("a `\"` that is not closed".to_owned())
}

/// What `printf` makes of a format without arguments.
pub fn printf(format: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        text.push(match (character, characters.clone().next()) {
            ('\\', Some('r')) => '\r',
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('\\')) => '\\',
            ('%', Some('%')) => '%',
            ('\\' | '%', _) => {
                return Err(format!("`{character}` in printf: only \\r \\n \\t \\\\ %% are known"));
            }
            (other, _) => {
                text.push(other);
                continue;
            }
        });
        characters.next();
    }
    Ok(text)
}
