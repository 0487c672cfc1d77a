#include "harness/profile/redactor.hpp"

#include <algorithm>

namespace stampede {

namespace {

constexpr std::string_view mark = "***";
// Shorter forms would be found in texts that have nothing to do with the secret.
constexpr std::size_t form_bytes_min = 4;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text, std::string_view digits, bool form) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c)) {
      out += c;
    } else if (form && c == ' ') {
      out += '+';
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

std::string json_escaped(std::string_view text, bool slashes) {
  std::string out;
  for (const char c : text) {
    const bool escaped = c == '"' || c == '\\' || (slashes && c == '/');
    if (escaped) out += '\\';
    out += c;
  }
  return out;
}

std::string html_escaped(std::string_view text, std::string_view apostrophe) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += apostrophe;
    } else {
      out += c;
    }
  }
  return out;
}

// The digits that stand for the secret alone when `before` other bytes come first: the digits at
// its two ends, which it shares with its neighbours, are left out.
std::string base64_core(std::string_view secret, std::size_t before, std::string_view digits) {
  const std::string text = std::string(before, '\0') + std::string(secret);
  const std::size_t first = (before * 8 + 5) / 6;
  const std::size_t end = text.size() * 8 / 6;
  std::string out;
  for (std::size_t digit = first; digit < end; ++digit) {
    const std::size_t bit = digit * 6;
    const auto at = [&text](std::size_t byte) -> unsigned {
      return byte < text.size() ? static_cast<unsigned char>(text[byte]) : 0U;
    };
    const unsigned two = at(bit / 8) << 8U | at(bit / 8 + 1);
    out += digits[(two >> (10 - bit % 8)) & 63U];
  }
  return out;
}

std::string with_blanks(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

Redactor::Redactor(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    add(secret);
    add(with_blanks(secret));
    for (const bool form : {false, true}) {
      add(percent_encoded(secret, "0123456789ABCDEF", form));
      add(percent_encoded(secret, "0123456789abcdef", form));
    }
    add(json_escaped(secret, false));
    add(json_escaped(secret, true));
    for (const std::string_view apostrophe : {"'", "&#39;", "&#x27;", "&apos;"}) {
      add(html_escaped(secret, apostrophe));
    }
    for (std::size_t before = 0; before < 3; ++before) {
      add(base64_core(secret, before, base64_digits));
      add(base64_core(secret, before, base64url_digits));
    }
  }
  std::sort(forms_.begin(), forms_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
}

void Redactor::add(std::string form) {
  if (form.size() < form_bytes_min) return;
  if (std::find(forms_.begin(), forms_.end(), form) == forms_.end()) {
    forms_.push_back(std::move(form));
  }
}

std::string Redactor::redacted(std::string_view text) const {
  std::string out(text);
  for (const std::string& form : forms_) {
    for (std::size_t at = out.find(form); at != std::string::npos;
         at = out.find(form, at + mark.size())) {
      out.replace(at, form.size(), mark);
    }
  }
  for (const std::string& form : forms_) {
    for (std::size_t cut = std::min(form.size() - 1, out.size()); cut >= form_bytes_min; --cut) {
      if (!out.ends_with(std::string_view(form).substr(0, cut))) continue;
      out.replace(out.size() - cut, cut, mark);
      break;
    }
  }
  return out;
}

}  // namespace stampede
