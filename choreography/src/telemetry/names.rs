//! Texts that occur again and again, such as topics, kept once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::StringValue;

/// More texts than this are not kept: they come from a mistake, not from topics and partitions.
const KEPT_MAX: usize = 4_096;

/// Texts as attribute values that are cheap to copy.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: RwLock<HashMap<Box<str>, Arc<str>>>,
    numbers: RwLock<HashMap<i32, Arc<str>>>,
}

impl Names {
    pub(super) fn text(&self, text: &str) -> StringValue {
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = texts.get(text) {
            return Arc::clone(kept).into();
        }
        drop(texts);
        let new: Arc<str> = text.into();
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        if texts.len() < KEPT_MAX {
            texts.insert(text.into(), Arc::clone(&new));
        }
        new.into()
    }

    /// A partition's number, which the conventions want as text.
    pub(super) fn number(&self, number: i32) -> StringValue {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = numbers.get(&number) {
            return Arc::clone(kept).into();
        }
        drop(numbers);
        let new: Arc<str> = number.to_string().into();
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        if numbers.len() < KEPT_MAX {
            numbers.insert(number, Arc::clone(&new));
        }
        new.into()
    }
}
