#pragma once

#include <cstddef>
#include <string_view>

// Where a secret ends. A rule's pattern finds what stands before a secret; one of these reads the secret itself, from
// the text that follows. All are linear in what they read and never look before `rest`.
namespace vnetprobe::bundle {

// The secret is rest.substr(skip, length); length 0: there is none.
struct SecretExtent {
  std::size_t skip{}, length{};
};
using ReadExtent = SecretExtent (*)(std::string_view rest);

// A value as shells, JSON, YAML, INI files, mount options and connection strings write it: quoted (also with quotes
// that are escaped), a YAML block, or bare up to a blank or to a delimiter that begins the next name.
SecretExtent assigned_value(std::string_view rest);
// The same, but a bare value goes to the line's end: YAML's plain scalars.
SecretExtent line_value(std::string_view rest);
// Percent-encoded text: up to an encoded quote, ampersand, comma or brace, or whatever cannot stand in it.
SecretExtent encoded_value(std::string_view rest);
// Base 64 of either alphabet, percent-encoded or not.
SecretExtent base64_value(std::string_view rest);
// An HTTP credential: the scheme stays, what follows goes, to the line's end, a quote, or what looks like the next
// argument of a command.
SecretExtent credential_value(std::string_view rest);
SecretExtent until_line_end_or_quote(std::string_view rest);
SecretExtent until_tag(std::string_view rest);
// "user:password" before the @ of a URL's authority.
SecretExtent user_info(std::string_view rest);
// A PEM body up to its END line; without one, as far as it looks like a body.
SecretExtent pem_body(std::string_view rest);
// The lines that are indented.
SecretExtent indented_lines(std::string_view rest);

}  // namespace vnetprobe::bundle
