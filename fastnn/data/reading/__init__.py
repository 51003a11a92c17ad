"""The reading of table files: from a path, through kind and layout, to a DataFrame of the cells as written.

`files` opens only regular files of bounded size; `kinds` unpacks archives and refuses, by name, files that
are no tables; `decoding` turns bytes into text; `dialect` holds the user's options; `layout` finds separator,
names and rows; `numerals` finds decimal commas and grouped digits; `tables` combines these and lets pandas
parse. Every error names file, line and column if they are known.
"""
