//! Values at paths, as jq sets and deletes them: what is null on the way becomes an object or a list.

use super::value::{float, shown, text_value};
use jaq_core::{Error, ValT};
use jaq_json::{Num, Val};
use std::rc::Rc;

/// The largest position in a list that an assignment makes.
const MAX_INDEX: usize = 1 << 29;

/// The steps of a path, or the paths of a list of paths.
pub(super) fn steps(path: &Val) -> Result<&[Val], Error<Val>> {
    match path {
        Val::Arr(steps) => Ok(steps),
        other => Err(Error::str(format!(
            "{} is not a path, which is an array",
            shown(other)
        ))),
    }
}

pub(super) fn get(root: &Val, path: &[Val]) -> Result<Val, Error<Val>> {
    path.iter().try_fold(root.clone(), ValT::index)
}

/// `root` with `new` at `path`. What is null on the way becomes an object or a list.
pub(super) fn set(root: Val, path: &[Val], new: Val) -> Result<Val, Error<Val>> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(new);
    };
    let root = match (root, step) {
        (Val::Null, Val::TStr(_) | Val::BStr(_)) => Val::obj(jaq_json::Map::default()),
        (Val::Null, Val::Num(_) | Val::Obj(_)) => Val::Arr(Rc::default()),
        (root, _) => root,
    };
    match (root, step) {
        (Val::Obj(mut members), Val::TStr(_) | Val::BStr(_)) => {
            let member = Rc::make_mut(&mut members).entry(step.clone()).or_default();
            *member = set(std::mem::take(member), rest, new)?;
            Ok(Val::Obj(members))
        }
        (Val::Arr(mut elements), Val::Num(number)) => {
            let at = position(number, elements.len())
                .ok_or_else(|| Error::str("out of bounds negative array index"))?;
            if at > MAX_INDEX {
                return Err(Error::str("array index too large"));
            }
            let list = Rc::make_mut(&mut elements);
            if list.len() <= at {
                list.resize(at + 1, Val::Null);
            }
            list[at] = set(std::mem::take(&mut list[at]), rest, new)?;
            Ok(Val::Arr(elements))
        }
        (Val::Arr(mut elements), Val::Obj(_)) => {
            let range = range(step, elements.len())?;
            let part = Val::Arr(Rc::new(elements[range.clone()].to_vec()));
            let Val::Arr(part) = set(part, rest, new)? else {
                return Err(Error::str(
                    "a slice of an array can only be assigned another array",
                ));
            };
            Rc::make_mut(&mut elements).splice(range, part.iter().cloned());
            Ok(Val::Arr(elements))
        }
        (root, step) => Err(Error::index(root, step.clone())),
    }
}

/// The position that an index means in a list of this length.
fn position(index: &Num, length: usize) -> Option<usize> {
    let index = index
        .as_isize()
        .unwrap_or_else(|| float(index).floor() as isize);
    if index < 0 {
        length.checked_sub(index.unsigned_abs())
    } else {
        Some(index as usize)
    }
}

/// The positions of a slice, `{"start", "end"}`.
fn range(slice: &Val, length: usize) -> Result<std::ops::Range<usize>, Error<Val>> {
    let Val::Obj(members) = slice else {
        return Err(Error::str(format!("{} is not a slice", shown(slice))));
    };
    let bound = |name: &str, round: fn(f64) -> f64, default: usize| match members
        .get(&text_value(name.to_owned()))
    {
        None | Some(Val::Null) => Ok(default),
        Some(Val::Num(number)) => {
            let at = number
                .as_isize()
                .unwrap_or_else(|| round(float(number)) as isize);
            let at = if at < 0 {
                length.saturating_sub(at.unsigned_abs())
            } else {
                at as usize
            };
            Ok(at.min(length))
        }
        Some(_) => Err(Error::str("start and end of a slice must be numbers")),
    };
    let start = bound("start", f64::floor, 0)?;
    let end = bound("end", f64::ceil, length)?;
    Ok(start..end.max(start))
}

/// `root` without what stands at the paths; the last ones first, so that positions stay.
pub(super) fn delete_all(root: Val, mut paths: Vec<Vec<Val>>) -> Result<Val, Error<Val>> {
    paths.sort();
    paths
        .into_iter()
        .rev()
        .try_fold(root, |root, path| delete(root, &path))
}

fn delete(root: Val, path: &[Val]) -> Result<Val, Error<Val>> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(Val::Null);
    };
    match (root, step) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Obj(mut members), Val::TStr(_) | Val::BStr(_)) => {
            let map = Rc::make_mut(&mut members);
            if rest.is_empty() {
                map.shift_remove(step);
            } else if let Some(member) = map.get_mut(step) {
                *member = delete(std::mem::take(member), rest)?;
            }
            Ok(Val::Obj(members))
        }
        (Val::Arr(mut elements), Val::Num(number)) => {
            let list = Rc::make_mut(&mut elements);
            if let Some(at) = position(number, list.len()).filter(|at| *at < list.len()) {
                if rest.is_empty() {
                    list.remove(at);
                } else {
                    list[at] = delete(std::mem::take(&mut list[at]), rest)?;
                }
            }
            Ok(Val::Arr(elements))
        }
        (Val::Arr(mut elements), Val::Obj(_)) => {
            let range = range(step, elements.len())?;
            if rest.is_empty() {
                Rc::make_mut(&mut elements).drain(range);
                return Ok(Val::Arr(elements));
            }
            let part = Val::Arr(Rc::new(elements[range.clone()].to_vec()));
            if let Val::Arr(part) = delete(part, rest)? {
                Rc::make_mut(&mut elements).splice(range, part.iter().cloned());
            }
            Ok(Val::Arr(elements))
        }
        (root, step) => Err(Error::index(root, step.clone())),
    }
}
