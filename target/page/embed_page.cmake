# cmake -DOUTPUT=… -DFILES=a|b [-DCODED=folder] -P embed_page.cmake: the files of the page as C++, each with its digest;
# from CODED also NAME.br and NAME.gz where they are smaller than the file.
string(REPLACE "|" ";" files "${FILES}")
set(arrays "")
set(rows "")

# One array, and a row of the file's codings.
macro(embed path symbol coding)
  file(READ ${path} hex HEX)
  file(SHA256 ${path} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char ${symbol}[] = {\n${bytes}};\n")
  string(APPEND codings "    {\"${coding}\", ${symbol}, \"\\\"${digest}\\\"\"},\n")
endmacro()

foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} symbol)
  file(SIZE ${file} plain_size)
  set(codings "")
  foreach(coding br=br gz=gzip)
    string(REGEX MATCH "^([a-z]+)=([a-z]+)$" matched ${coding})
    set(suffix ${CMAKE_MATCH_1})
    set(coding_name ${CMAKE_MATCH_2})
    if(CODED AND EXISTS ${CODED}/${name}.${suffix})
      file(SIZE ${CODED}/${name}.${suffix} coded_size)
      if(coded_size LESS plain_size)
        embed(${CODED}/${name}.${suffix} ${symbol}_${suffix} ${coding_name})
      endif()
    endif()
  endforeach()
  embed(${file} ${symbol} identity)
  string(APPEND arrays "constexpr PageCoding ${symbol}_codings[] = {\n${codings}};\n")
  string(APPEND rows "    {\"${name}\", ${symbol}_codings},\n")
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
