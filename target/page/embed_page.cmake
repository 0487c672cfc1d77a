# cmake -DOUTPUT=… -DFILES=a|b -P embed_page.cmake: the files of the page as C++, each with its digest.
string(REPLACE "|" ";" files "${FILES}")
set(arrays "")
set(rows "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} symbol)
  file(READ ${file} hex HEX)
  file(SHA256 ${file} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char ${symbol}[] = {\n${bytes}};\n")
  string(APPEND rows "    {\"${name}\", ${symbol}, \"\\\"${digest}\\\"\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made from target/page at build time.
#include \"target/http/page_files.hpp\"

namespace boxoffice {

namespace {

${arrays}
const PageFile files[] = {
${rows}};

}  // namespace

std::span<const PageFile> page_files() noexcept { return files; }

}  // namespace boxoffice
")
