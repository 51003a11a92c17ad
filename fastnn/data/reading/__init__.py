"""Table files in: which file, what kind, how its text is laid out, and a DataFrame of its cells as written.

`files` opens nothing but regular files of bounded size; `kinds` unpacks archives and refuses by name what
is no table of text; `decoding` makes text of bytes; `dialect` holds what the reader may be told; `layout`
finds separator, names and rows; `numerals` decimal commas and grouped digits; `tables` puts them together
and lets pandas do the parsing. Every refusal names file, line and column where they are known.
"""
