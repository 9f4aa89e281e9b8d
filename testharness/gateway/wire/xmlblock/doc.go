// Package xmlblock reads and writes the XML of the gateway simulator: a
// requestblock becomes the document that package wire makes of JSON, and an
// answer becomes a responseblock. One table says which JSON member lies where
// in XML; nothing else of the simulator knows that there are two formats.
//
// The reader takes well-formed XML 1.0 in UTF-8. It takes no document type, no
// entity but the five that XML has, and no processing instruction, since all
// three make a reader do work that nobody asked for. Depth, elements and
// attributes are limited; what it doesn't know it reads over.
//
// What XML can't say of what JSON can: it has no empty text (an empty element
// is one that is not there, but for filters), no numbers, and names the types
// of a request in one way instead of two.
package xmlblock
