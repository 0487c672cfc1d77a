# cmake -DOUTPUT=… -DFILE=schema.sql -P embed_sql.cmake: the schema as C++.
file(READ ${FILE} text)
file(WRITE ${OUTPUT} "// Made from target/store/schema.sql at build time.
#include \"target/store/schema.hpp\"

namespace boxoffice {

std::string_view schema_text() noexcept {
  return R\"sql(${text})sql\";
}

}  // namespace boxoffice
")
