# One check per operator, imported when a blob has such a record and dropped after `load`.
