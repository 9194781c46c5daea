// Where practices are: [city, region by ISO 3166-2, weight], the weight roughly by inhabitants. Two zones share Spain.

export const cities = [
  ['Madrid', 'ES-MD', 90],
  ['Alcalá de Henares', 'ES-MD', 6],
  ['Getafe', 'ES-MD', 5],
  ['Pozuelo de Alarcón', 'ES-MD', 5],
  ['Barcelona', 'ES-CT', 58],
  ['Sabadell', 'ES-CT', 6],
  ['Girona', 'ES-CT', 5],
  ['Tarragona', 'ES-CT', 5],
  ['Lleida', 'ES-CT', 4],
  ['València', 'ES-VC', 28],
  ['Alicante', 'ES-VC', 11],
  ['Castelló de la Plana', 'ES-VC', 5],
  ['Elche', 'ES-VC', 6],
  ['Sevilla', 'ES-AN', 22],
  ['Málaga', 'ES-AN', 18],
  ['Granada', 'ES-AN', 10],
  ['Córdoba', 'ES-AN', 8],
  ['Cádiz', 'ES-AN', 5],
  ['Almería', 'ES-AN', 5],
  ['Jaén', 'ES-AN', 3],
  ['Huelva', 'ES-AN', 3],
  ['Zaragoza', 'ES-AR', 17],
  ['Huesca', 'ES-AR', 2],
  ['Bilbao', 'ES-PV', 13],
  ['Donostia-San Sebastián', 'ES-PV', 8],
  ['Vitoria-Gasteiz', 'ES-PV', 7],
  ['Pamplona', 'ES-NC', 8],
  ['Logroño', 'ES-RI', 5],
  ['Santander', 'ES-CB', 7],
  ['Oviedo', 'ES-AS', 8],
  ['Gijón', 'ES-AS', 8],
  ['A Coruña', 'ES-GA', 9],
  ['Vigo', 'ES-GA', 9],
  ['Santiago de Compostela', 'ES-GA', 5],
  ['Ourense', 'ES-GA', 3],
  ['Valladolid', 'ES-CL', 9],
  ['Salamanca', 'ES-CL', 6],
  ['Burgos', 'ES-CL', 5],
  ['León', 'ES-CL', 5],
  ['Toledo', 'ES-CM', 4],
  ['Albacete', 'ES-CM', 5],
  ['Badajoz', 'ES-EX', 5],
  ['Cáceres', 'ES-EX', 4],
  ['Murcia', 'ES-MC', 13],
  ['Cartagena', 'ES-MC', 6],
  ['Palma', 'ES-IB', 13],
  ['Ibiza', 'ES-IB', 3],
  ['Las Palmas de Gran Canaria', 'ES-CN', 12],
  ['Santa Cruz de Tenerife', 'ES-CN', 8],
  ['San Cristóbal de La Laguna', 'ES-CN', 5]
] as const

export type Region = (typeof cities)[number][1]

/** The IANA zone of a region: the Canary Islands are an hour behind the rest. */
export function zoneOf(region: Region): 'Europe/Madrid' | 'Atlantic/Canary' {
  return region === 'ES-CN' ? 'Atlantic/Canary' : 'Europe/Madrid'
}

/** The language that a region speaks besides Spanish, by ISO 639-1. */
export const regionalLanguage: Partial<Record<Region, string>> = {
  'ES-CT': 'ca',
  'ES-VC': 'ca',
  'ES-IB': 'ca',
  'ES-PV': 'eu',
  'ES-NC': 'eu',
  'ES-GA': 'gl'
}
